"""The executor of ModelCard."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.evaluation.bounds import Bounds
from components.evaluation.kept_bounds import read_bounds
from components.evaluation.verdict import read_evaluation
from components.model_card.card import make_card, read_settings
from components.model_card.files import write_card
from components.model_card.text import to_text
from components.properties import FORCE, LINEAGE, copy_properties
from components.vocabulary_validator.oov_rate import read_oov_rates
from transform.features import DECLARATION

CARD = "model_card"
FINGERPRINTS = "fingerprints"

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Writes the card."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        self._log_startup(input_dict, output_dict, exec_properties)
        model, evaluation, blessing, coverage = (
            artifact_utils.get_single_instance(input_dict[key]) for key in ("model", "evaluation", "blessing", "coverage")
        )
        card = make_card(
            input_dict,
            read_evaluation(evaluation.uri),
            read_bounds(evaluation.uri) or Bounds(),
            read_settings(path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))),
            json.loads(exec_properties[FINGERPRINTS]),
            read_oov_rates(coverage.uri),
            [dataclasses.asdict(column) for column in DECLARATION.columns],
        )
        output = artifact_utils.get_single_instance(output_dict[CARD])
        write_card(output.uri, card, to_text(card))
        copy_properties(model, output, LINEAGE)
        copy_properties(blessing, output, FORCE)
