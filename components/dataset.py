"""The rows of a run: which of them train the model, and which judge it."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec
from tfx.types.channel import BaseChannel, Channel
from tfx.types.standard_artifacts import Examples

from components.example_gen.spans import EVAL, TRAIN
from components.properties import (
    DATA_NAME,
    DATA_ROOT,
    DECLARATION,
    EVAL_SPAN,
    HELD_OUT_ROWS,
    JUDGED_BY,
    NEXT_SPAN,
    SPAN,
    SPAN_NAME,
    SPLIT_BY,
    TRAIN_SPANS,
    copy_properties,
    text,
)

WINDOW = "window"
ANCHOR = "anchor"
EXAMPLES = "examples"


class Executor(base_executor.BaseExecutor):
    """Composes the two splits of links to the spans' files; copies them where the file system has no hard links."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        window = input_dict.get(WINDOW, [])
        anchor = artifact_utils.get_single_instance(input_dict[ANCHOR])
        output = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        output.split_names = artifact_utils.encode_split_names([TRAIN, EVAL])
        examples_utils.set_payload_format(output, examples_utils.get_payload_format(anchor))
        examples_utils.set_file_format(output, examples_utils.get_file_format(anchor))
        if window:
            for examples in window:
                _link(examples, _splits(examples), output, TRAIN)
            _link(anchor, _splits(anchor), output, EVAL)
        else:
            _link(anchor, [TRAIN], output, TRAIN)
            _link(anchor, [EVAL], output, EVAL)
        copy_properties(anchor, output, (SPAN, DATA_ROOT, DATA_NAME, SPLIT_BY, DECLARATION))
        output.set_string_custom_property(
            TRAIN_SPANS, ",".join(text(examples, SPAN_NAME) for examples in window or [anchor])
        )
        output.set_string_custom_property(EVAL_SPAN, text(anchor, SPAN_NAME))
        output.set_string_custom_property(JUDGED_BY, NEXT_SPAN if window else HELD_OUT_ROWS)


class _Spec(component_spec.ComponentSpec):
    PARAMETERS: ClassVar[dict[str, Any]] = {"code_fingerprint": component_spec.ExecutionParameter(type=str)}
    INPUTS: ClassVar[dict[str, Any]] = {
        WINDOW: component_spec.ChannelParameter(type=Examples, optional=True),
        ANCHOR: component_spec.ChannelParameter(type=Examples),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {EXAMPLES: component_spec.ChannelParameter(type=Examples)}


class Dataset(base_component.BaseComponent):
    """Chooses the rows that train and those that judge.

    With a window of earlier spans, all their rows train and all rows of the anchor judge: the model is asked for a span it
    could not have seen. Without one, the anchor's own `train` and `eval` splits do.

    Args:
        window: Spans before the anchor, possibly none. None where nothing resolves them.
        anchor: This run's examples.
        code_fingerprint: Changes whenever this component's code changes, to keep the cache honest.

    Outputs:
        examples: Examples with the splits `train` and `eval`. Custom properties: `LINEAGE` of `components.properties`; the
            names of spans are empty for data without spans.
    """

    SPEC_CLASS = _Spec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, window: BaseChannel | None, anchor: BaseChannel, code_fingerprint: str = "") -> None:
        examples = Channel(type=Examples)
        super().__init__(_Spec(window=window, anchor=anchor, examples=examples, code_fingerprint=code_fingerprint))


def _splits(examples: types.Artifact) -> list[str]:
    return list(artifact_utils.decode_split_names(examples.split_names))


def _link(examples: types.Artifact, splits: list[str], output: types.Artifact, into: str) -> None:
    target = artifact_utils.get_split_uri([output], into)
    fileio.makedirs(target)
    for split in splits:
        folder = artifact_utils.get_split_uri([examples], split)
        for name in sorted(fileio.listdir(folder)):
            # Spans and splits have files of the same names.
            link = os.path.join(target, f"{examples.id}-{split}-{name}")
            try:
                os.link(os.path.join(folder, name), link)
            except OSError:
                fileio.copy(os.path.join(folder, name), link, overwrite=True)
