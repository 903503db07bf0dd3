"""ServingValidator: keeps a model from being published that a server does not load, or that answers there otherwise."""

from __future__ import annotations

from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, base_node, executor_spec
from tfx.proto import infra_validator_pb2
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import Examples, InfraBlessing, Model

from components.serving_validator import executor
from components.serving_validator.requests import ROWS
from components.serving_validator.settings import ServingSettings

KUBERNETES = "kubernetes"
# What TFX's InfraValidator sends: it builds requests of this signature alone.
_SENT = ROWS[0]


class ServingValidatorSpec(ComponentSpec):
    """The inputs, outputs and parameters of ServingValidator."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        executor.SPLIT: ExecutionParameter(type=str),
        executor.MODEL_NAME: ExecutionParameter(type=str),
        executor.SETTINGS: ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        executor.MODEL: ChannelParameter(type=Model),
        executor.EXAMPLES: ChannelParameter(type=Examples),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {executor.BLESSING: ChannelParameter(type=InfraBlessing)}


class ServingValidator(base_component.BaseComponent):
    """Serves a model as it would be published, and holds the answers to the scores that it was judged by.

    TFX's InfraValidator needs Docker or Kubernetes, and asks only whether a request is answered; this one runs the server
    that is there, asks by every signature, and compares.

    Args:
        model: The model.
        examples: Raw examples, of whose rows some are asked for.
        split: The split that they are of.
        model_name: The model's name.
        settings: Which server, how many rows, how long.
        code_fingerprint: Changes whenever this component's code changes, to keep the cache honest.

    Outputs:
        blessing: InfraBlessing, with `REASON` of the pusher's outcome if it blesses nothing, and the executor's properties.
    """

    SPEC_CLASS = ServingValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: BaseChannel,
        examples: BaseChannel,
        split: str,
        model_name: str,
        settings: ServingSettings,
        code_fingerprint: str = "",
    ) -> None:
        super().__init__(
            ServingValidatorSpec(
                model=model,
                examples=examples,
                split=split,
                model_name=model_name,
                settings=settings.to_json(),
                code_fingerprint=code_fingerprint,
                blessing=Channel(type=InfraBlessing),
            )
        )


def on_kubernetes(model: BaseChannel, examples: BaseChannel, split: str, settings: ServingSettings) -> base_node.BaseNode:
    """TFX's InfraValidator: a pod of TensorFlow Serving's image must load the model, and answer for raw examples."""
    from tfx.components import InfraValidator

    image, _, tag = settings.serving_image.rpartition(":")
    return InfraValidator(
        model=model,
        examples=examples,
        serving_spec=infra_validator_pb2.ServingSpec(
            tensorflow_serving=infra_validator_pb2.TensorFlowServing(image_name=image, tags=[tag]),
            kubernetes=infra_validator_pb2.KubernetesConfig(),
        ),
        validation_spec=infra_validator_pb2.ValidationSpec(
            max_loading_time_seconds=int(settings.serving_start_seconds), num_tries=2
        ),
        request_spec=infra_validator_pb2.RequestSpec(
            tensorflow_serving=infra_validator_pb2.TensorFlowServingRequestSpec(signature_names=[_SENT]),
            split_name=split,
            num_examples=settings.serving_rows,
        ),
    )
