"""Pusher: publishes a model that nothing speaks against."""

from __future__ import annotations

from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration import data_types
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import InfraBlessing, Model, ModelBlessing, PushedModel

from components.artifacts import ModelCardDocument
from components.pusher import outcome
from components.pusher.executor import Executor


class PusherSpec(ComponentSpec):
    """The inputs, outputs and parameters of Pusher."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        outcome.BASE_DIRECTORY: ExecutionParameter(type=str),
        outcome.RUN_ID: ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        outcome.MODEL: ChannelParameter(type=Model),
        outcome.MODEL_BLESSING: ChannelParameter(type=ModelBlessing),
        outcome.INFRA_BLESSING: ChannelParameter(type=InfraBlessing, optional=True),
        outcome.FRESHNESS_BLESSING: ChannelParameter(type=InfraBlessing, optional=True),
        outcome.MODEL_CARD: ChannelParameter(type=ModelCardDocument, optional=True),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {outcome.PUSHED_MODEL: ChannelParameter(type=PushedModel)}


class Pusher(base_component.BaseComponent):
    """Publishes a blessed model as a version that TensorFlow Serving loads.

    TFX's own pusher copies into the version's final folder, where servers find what a killed one or a full disk has left;
    it knows a model again by its cache entry only, which tells nothing of what others have published since. This one
    publishes a model whole or not at all, and whenever the newest version is another.

    Args:
        model: The model.
        model_blessing: The evaluator's verdict.
        base_directory: The folder that TensorFlow Serving watches; with a scheme, such as gs://, a bucket's.
        infra_blessing: The verdict of a validator that has served the model.
        freshness_blessing: Whether the model may take the place of the published one.
        model_card: The model's card, which goes into the version. If it is given and a file of it is
            missing, nothing is published.
        run_id: The run's id. It keeps the cache from answering for what is published now.
        code_fingerprint: Changes whenever this component's code changes, to keep the cache honest where there is no run id.

    Outputs:
        pushed_model: PushedModel with TFX's custom properties `pushed`, `pushed_destination` and `pushed_version`, those of
            `outcome`, and the model's lineage.
    """

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: BaseChannel,
        model_blessing: BaseChannel,
        base_directory: str,
        infra_blessing: BaseChannel | None = None,
        freshness_blessing: BaseChannel | None = None,
        model_card: BaseChannel | None = None,
        run_id: str | data_types.RuntimeParameter = "",
        code_fingerprint: str = "",
    ) -> None:
        super().__init__(
            PusherSpec(
                model=model,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                freshness_blessing=freshness_blessing,
                model_card=model_card,
                base_directory=base_directory,
                run_id=run_id,
                code_fingerprint=code_fingerprint,
                pushed_model=Channel(type=PushedModel),
            )
        )
