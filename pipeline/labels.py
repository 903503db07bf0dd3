"""Which versions have the labels `stable` and `canary`: a model configuration that servers read again and again.

It lies beside the model's folder: `models.config` with the path at which containers mount it, `models.local.config` with
that of this machine. While it is there, what it names is served, and nothing else: a version that a run publishes waits for
`make canary`.

TensorFlow Serving (model_servers/server_core.cc, UpdateModelVersionLabelMap) checks the labels of a new configuration before
it loads anything, and refuses the whole of it if a label moves to a version that is not loaded yet; a new label may name any
version with --allow_version_labels_for_unavailable_models. So a label that exists moves in two steps: the first call has the
version loaded, a second one, once servers have it, moves the label.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2
from tfx.dsl.io import fileio

from pipeline.config import RunConfig
from serving.client.ranking_client import CANARY as CANARY

FILE, LOCAL_FILE = "models.config", "models.local.config"
STABLE = "stable"
# Where docker-compose.yaml and the manifests mount the folder of all models.
_MOUNTED = "/models"


@dataclasses.dataclass(frozen=True)
class Served:
    """What servers are told: the versions to load, and the labels among them. Both are empty without a configuration."""

    versions: tuple[int, ...] = ()
    labels: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def pointed(self, label: str, version: int) -> Served:
        """One step nearer to a label that names the version; `labels[label]` tells whether it is there."""
        if label in self.labels and version not in self.versions:
            return Served((*self.versions, version), self.labels)
        labels = {**self.labels, label: version}
        return Served(tuple(sorted(set(labels.values()))), labels)

    def without(self, label: str) -> Served:
        """The same without a label, and without the version that it alone named."""
        labels = {name: version for name, version in self.labels.items() if name != label}
        return Served(tuple(sorted(set(labels.values()))), labels)


def read_served(serving_root: str) -> Served:
    """What servers of a base path are told. Raises ValueError if the configuration cannot be understood."""
    root, name = os.path.split(serving_root)
    path = os.path.join(root, FILE)
    if not fileio.exists(path):
        return Served()
    with fileio.open(path, "r") as file:
        text = file.read()
    whole: Any = model_server_config_pb2.ModelServerConfig()
    try:
        text_format.Parse(text, whole)
    except text_format.ParseError as error:
        raise ValueError(f"{path} must be a configuration of TensorFlow Serving. Received: {error}.") from error
    for model in whole.model_config_list.config:
        if model.name == name:
            return Served(tuple(model.model_version_policy.specific.versions), dict(model.version_labels))
    return Served()


def write_served(config: RunConfig, served: Served) -> None:
    """Tells servers, which read it at their next look."""
    root = os.path.dirname(config.serving_root)
    for name, base_path in ((FILE, f"{_MOUNTED}/{config.pipeline_name}"), (LOCAL_FILE, config.serving_root)):
        whole: Any = model_server_config_pb2.ModelServerConfig()
        model = whole.model_config_list.config.add(
            name=config.pipeline_name, base_path=base_path, model_platform="tensorflow"
        )
        model.model_version_policy.specific.versions.extend(served.versions)
        for label, version in sorted(served.labels.items()):
            model.version_labels[label] = version
        path = os.path.join(root, name)
        # Whole or not at all: a server may look at any time.
        with fileio.open(f"{path}.new", "w") as file:
            file.write(text_format.MessageToString(whole))
        fileio.rename(f"{path}.new", path, overwrite=True)
