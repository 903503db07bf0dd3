"""The executor of Pusher."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from tfx import types
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import PushedModel
from tfx.utils import path_utils

from components.data_identity import of_same_data
from components.model_card.files import card_files
from components.properties import DATA_NAME, DATA_ROOT, FORCE, LINEAGE, copy_properties, number, text
from components.pusher.bucket import Bucket
from components.pusher.outcome import (
    AGAIN,
    BASE_DIRECTORY,
    DESTINATION,
    FRESHNESS_BLESSING,
    INFRA_BLESSING,
    IS_NEW,
    MODEL,
    MODEL_BLESSING,
    MODEL_CARD,
    PUSHED,
    PUSHED_MODEL,
    REASON,
    REFUSED,
    REPLACED,
    REPLACED_DATA,
    RUN_ID,
    VERSION,
)
from components.pusher.publication import Destination, publish
from components.pusher.taken_back import TakenBackError
from components.pusher.volume import Volume

Artifacts = dict[str, list[types.Artifact]]

# In a record: the model's lineage.
_LINEAGE = "lineage"
# What else can keep a model from being published, and what is said where the blessing gives no reason.
_CONDITIONS = {INFRA_BLESSING: "the model could not be served", FRESHNESS_BLESSING: "a newer model is published"}


class Executor(base_executor.BaseExecutor):
    """Makes the model the newest version, or says on the output why not."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        self._log_startup(input_dict, output_dict, exec_properties)
        model = artifact_utils.get_single_instance(input_dict[MODEL])
        pushed = artifact_utils.get_single_instance(output_dict[PUSHED_MODEL])
        copy_properties(model, pushed, LINEAGE)
        for blessing in input_dict.get(MODEL_BLESSING, ()):
            copy_properties(blessing, pushed, FORCE)
        refused = _refusals(input_dict)
        if refused:
            _refuse(pushed, refused)
            return
        base_path = exec_properties[BASE_DIRECTORY]
        folder = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
        record = _record(model, exec_properties[RUN_ID])
        cards = {name: content for card in input_dict.get(MODEL_CARD, ()) for name, content in card_files(card.uri).items()}
        try:
            publication = publish(folder, base_path, record, destination_of(base_path), cards)
        except TakenBackError as error:
            _refuse(pushed, [str(error)])
            return
        pushed.set_int_custom_property(PUSHED, 1)
        pushed.set_string_custom_property(DESTINATION, publication.path)
        pushed.set_string_custom_property(VERSION, str(publication.number))
        pushed.set_int_custom_property(IS_NEW, int(publication.is_new))
        if publication.again is not None:
            pushed.set_string_custom_property(AGAIN, str(publication.again))
        if publication.replaced_number is not None:
            pushed.set_string_custom_property(REPLACED, str(publication.replaced_number))
            pushed.set_string_custom_property(REPLACED_DATA, _other_data(model, publication.replaced))


def _refuse(pushed: types.Artifact, reasons: Sequence[str]) -> None:
    pushed.set_int_custom_property(PUSHED, 0)
    pushed.set_string_custom_property(REFUSED, "; ".join(reasons))


def destination_of(base_path: str) -> Destination:
    """How versions are written to a base path: with a scheme, such as gs://, it is a bucket's."""
    return Bucket() if "://" in base_path else Volume()


def _refusals(inputs: Artifacts) -> list[str]:
    """Why the model must not be published; empty if nothing speaks against it."""
    reasons = []
    for blessing in inputs.get(MODEL_BLESSING, ()):
        if not model_utils.is_model_blessed(blessing):
            reasons.append("the model is not blessed")
    for key, plain in _CONDITIONS.items():
        for blessing in inputs.get(key, ()):
            if not model_utils.is_infra_validated(blessing):
                reasons.append(text(blessing, REASON) or plain)
    return reasons


def _other_data(model: types.Artifact, replaced: Mapping[str, Any]) -> str:
    """What data the version is of whose record this is, if that is known, and not the model's."""
    recorded = replaced.get(_LINEAGE, {})
    origin = PushedModel()
    for name in (DATA_ROOT, DATA_NAME):
        if recorded.get(name):
            origin.set_string_custom_property(name, recorded[name])
    known = text(origin, DATA_ROOT) and text(model, DATA_ROOT)
    return "" if not known or of_same_data(model, [origin]) else text(origin, DATA_NAME) or text(origin, DATA_ROOT)


def _record(model: types.Artifact, run_id: str) -> dict[str, Any]:
    origin = {name: text(model, name) or number(model, name) for name in LINEAGE if model.has_custom_property(name)}
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {"model": model.uri, "model_id": model.id, "run": run_id, "published": now, _LINEAGE: origin}
