"""Checks of a ModelServerConfig, in TensorFlow Serving's words."""

from __future__ import annotations

import re
from typing import Any

from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import ServingError, failed_precondition, invalid_argument

PLATFORM = "tensorflow"

_ABSOLUTE = re.compile(r"/|[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def single_model(name: str, base_path: str) -> Any:
    """The configuration that --model_name and --model_base_path stand for."""
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform=PLATFORM)
    return config


def check(config: Any) -> None:
    """Raises the error of the first rule that the configuration breaks.

    Raises:
        ServingError: a custom configuration, a model listed twice, a relative base path, or another platform.
    """
    if config.WhichOneof("config") == "custom_model_config":
        raise failed_precondition("ModelServer does not yet support custom model config.")
    names: set[str] = set()
    for model in config.model_config_list.config:
        if model.name in names:
            raise invalid_argument(f"Illegal to list model {model.name} multiple times in config list")
        names.add(model.name)
        if not model.name:
            raise invalid_argument("A model must have a name.")
        if not _ABSOLUTE.match(model.base_path):
            raise invalid_argument(
                f"Expected model {model.name} to have an absolute path or URI; got base_path()={model.base_path}"
            )
        _check_platform(model)


def _check_platform(model: Any) -> None:
    deprecated = model_server_config_pb2.ModelType
    if model.model_type != deprecated.MODEL_TYPE_UNSPECIFIED:
        if model.model_platform:
            raise _platform_error(model, "both ModelServerConfig::model_type (deprecated) and")
        if model.model_type != deprecated.TENSORFLOW:
            raise invalid_argument(f"ModelServerConfig::model_type choice {model.model_type} not supported.")
    elif not model.model_platform:
        raise _platform_error(model, "neither ModelServerConfig::model_type (deprecated) nor")
    elif model.model_platform != PLATFORM:
        raise invalid_argument(f"Model {model.name} requests unsupported platform {model.model_platform}")


def _platform_error(model: Any, which: str) -> ServingError:
    return invalid_argument(f"Illegal setting {which} ModelServerConfig::model_platform, model name is {model.name}")
