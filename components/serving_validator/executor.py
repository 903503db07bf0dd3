"""The executor of ServingValidator."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.pusher.files import file_names
from components.pusher.outcome import REASON
from components.serving_validator.answers import Answered, Expected, Server, check_answers, timed
from components.serving_validator.contents import RefusedError, check_contents, warmup_requests
from components.serving_validator.requests import SIGNATURES, RawRows
from components.serving_validator.settings import ServingSettings
from serving.model_server import ServerStartError, chosen_server, model_server
from trainer.exported_settings import export_settings
from transform.features import DECLARATION

MODEL = "model"
EXAMPLES = "examples"
BLESSING = "blessing"
SPLIT = "split"
SETTINGS = "settings"
MODEL_NAME = "model_name"
# Of the blessing: which server it was, the rows and requests it was asked, and what the answers were like.
SERVER = "server"
SERVED_ROWS = "served_rows"
CALLS = "calls"
WORST = "worst_difference"
MILLISECONDS = "milliseconds"

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Blesses a model that a server loads and that answers there as it was judged."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = ServingSettings.from_json(exec_properties[SETTINGS])
        model = artifact_utils.get_single_instance(input_dict[MODEL])
        blessing = artifact_utils.get_single_instance(output_dict[BLESSING])
        folder = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
        records = sample(input_dict[EXAMPLES], exec_properties[SPLIT], settings.serving_rows)
        blessing.set_int_custom_property(SERVED_ROWS, len(records))
        try:
            server = chosen_server(settings.serving_validator)
            blessing.set_string_custom_property(SERVER, os.path.basename(server))
            answered = validate(folder, RawRows(records, DECLARATION), server, exec_properties[MODEL_NAME], settings)
        except (RefusedError, ServerStartError) as error:
            _bless(blessing, False)
            blessing.set_string_custom_property(REASON, f"the model could not be served: {error}")
            return
        blessing.set_int_custom_property(CALLS, answered.calls)
        blessing.set_float_custom_property(WORST, answered.worst)
        blessing.set_float_custom_property(MILLISECONDS, answered.milliseconds)
        _bless(blessing, True)


def validate(folder: str, rows: RawRows, server: str, name: str, settings: ServingSettings) -> Answered:
    """Serves a model from a folder as it would be published, and asks for rows by every signature.

    Args:
        folder: The SavedModel's folder.
        rows: Rows that the model was judged by.
        server: As `chosen_server` returns it.
        name: The model's name.
        settings: How long the server may take.

    Raises:
        RefusedError: Something is missing, or an answer is not what it must be.
        ServerStartError: The server did not load the model in time.
    """
    check_contents(folder, SIGNATURES)
    replayed = warmup_requests(folder)
    export = export_settings(folder)
    with (
        _laid_out(folder) as base_path,
        model_server(server, name, base_path, settings.serving_start_seconds) as address,
        grpc.insecure_channel(address, _OPTIONS) as channel,
    ):
        # The model is loaded here only after the server could: what hangs there would hang here for ever.
        asked = Server(channel, name)
        for request in replayed:
            asked.send(request)
        calls, worst = check_answers(asked, Expected(folder, rows, export))
        milliseconds = timed(asked, rows, export)
    check_latency(milliseconds, settings)
    return Answered(len(replayed) + calls, worst, milliseconds)


def check_latency(milliseconds: float, settings: ServingSettings) -> None:
    """Raises RefusedError if a ranking takes longer than it may."""
    if settings.max_serving_ms is not None and milliseconds > settings.max_serving_ms:
        raise RefusedError(
            f"it takes {milliseconds:.1f} ms to rank a user's candidates, and MAX_SERVING_MS is {settings.max_serving_ms:g}"
        )


def sample(examples: Sequence[types.Artifact], split: str, count: int) -> list[bytes]:
    """At most so many serialized examples of a split: the first ones of each of its files, from all files alike."""
    folders = artifact_utils.get_split_uris(list(examples), split)
    files = [os.path.join(folder, name) for folder in folders for name in sorted(fileio.listdir(folder))]
    found: list[bytes] = []
    for place, file in enumerate(files):
        wanted = -(-(count - len(found)) // (len(files) - place))
        found += tf.data.TFRecordDataset(file, compression_type="GZIP").take(wanted).as_numpy_iterator()
    return found


_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)]


@contextmanager
def _laid_out(folder: str) -> Iterator[str]:
    """A base path whose only version has the files that the pusher would publish."""
    with tempfile.TemporaryDirectory() as base_path:
        version = os.path.join(base_path, "1")
        for name in file_names(folder, fileio):
            target = os.path.join(version, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if "://" in folder:
                fileio.copy(os.path.join(folder, name), target)
            else:
                os.symlink(os.path.abspath(os.path.join(folder, name)), target)
        yield base_path


def _bless(blessing: types.Artifact, blessed: bool) -> None:
    """Says what TFX's InfraValidator says."""
    blessing.set_int_custom_property("blessed", int(blessed))
    fileio.makedirs(blessing.uri)
    with fileio.open(os.path.join(blessing.uri, "INFRA_BLESSED" if blessed else "INFRA_NOT_BLESSED"), "w") as file:
        file.write("")
