"""The trainer: TFX's own, whose model tells what it was trained on and what judges it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any, ClassVar

from tfx import types
from tfx.components.trainer.executor import GenericExecutor
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import trainer_pb2
from tfx.types import artifact_utils, component_spec
from tfx.types.channel import BaseChannel, Channel
from tfx.types.standard_artifacts import Examples, Model, ModelRun
from tfx.types.standard_component_specs import MODEL_KEY, TrainerSpec
from tfx.utils import json_utils

from components.properties import LINEAGE, copy_properties
from trainer.hyperparameters import CHECKPOINTS

DATASET = "dataset"


class Executor(GenericExecutor):
    """Trains as TFX's executor does, and copies the dataset's lineage to the model, which may outlive that row.

    The training keeps its epochs beside the node's working folders, under a name that follows from its inputs and settings:
    an execution that was killed, and the next one of the same, which is another one to TFX, find the same folder.
    """

    def _GetFnArgs(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> FnArgs:
        arguments = super()._GetFnArgs(input_dict, output_dict, exec_properties)
        if self._context is not None and self._context.stateful_working_dir:
            uris = {key: sorted(artifact.uri for artifact in artifacts) for key, artifacts in input_dict.items()}
            told = json.dumps([uris, exec_properties], sort_keys=True, default=str)
            system = os.path.dirname(os.path.dirname(self._context.stateful_working_dir.rstrip("/")))
            name = hashlib.sha256(told.encode()).hexdigest()[:16]
            arguments.custom_config = {**arguments.custom_config, CHECKPOINTS: os.path.join(system, CHECKPOINTS, name)}
        return arguments

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        super().Do(input_dict, output_dict, exec_properties)
        dataset = artifact_utils.get_single_instance(input_dict[DATASET])
        copy_properties(dataset, artifact_utils.get_single_instance(output_dict[MODEL_KEY]), LINEAGE)


class _Spec(TrainerSpec):
    INPUTS: ClassVar[dict[str, Any]] = {**TrainerSpec.INPUTS, DATASET: component_spec.ChannelParameter(type=Examples)}


class Trainer(base_component.BaseComponent):
    """Trains a model by a `run_fn`; the arguments are those of TFX's Trainer.

    Args:
        run_fn: The function, by its importable path.
        examples: The transformed examples.
        transform_graph: The transform graph.
        dataset: The examples before they were transformed, as `components.dataset` composes them. Transform tells nothing of
            where its examples come from.
        train_split: The split that trains.
        validation_split: The split that tells when to stop.
        custom_config: What the `run_fn` is told.
        base_model: The model to start from; there may be none.

    Outputs:
        model: The Model. Custom properties: `LINEAGE` of `components.properties`.
        model_run: The ModelRun: logs of the training.
    """

    SPEC_CLASS = _Spec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        run_fn: str,
        examples: BaseChannel,
        transform_graph: BaseChannel,
        dataset: BaseChannel,
        train_split: str,
        validation_split: str,
        custom_config: Mapping[str, Any],
        base_model: BaseChannel | None = None,
    ) -> None:
        super().__init__(
            _Spec(
                run_fn=run_fn,
                examples=examples,
                transform_graph=transform_graph,
                dataset=dataset,
                base_model=base_model,
                train_args=trainer_pb2.TrainArgs(splits=[train_split]),
                eval_args=trainer_pb2.EvalArgs(splits=[validation_split]),
                custom_config=json_utils.dumps(dict(custom_config)),
                model=Channel(type=Model),
                model_run=Channel(type=ModelRun),
            )
        )
