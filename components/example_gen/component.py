"""InteractionExampleGen: the pipeline's door for interaction CSVs."""

from __future__ import annotations

from typing import Any

from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2

from components.data_identity import BY_PATH
from components.example_gen.configuration import INGESTION, pack
from components.example_gen.driver import DATA_NAME_SETTING, MARKER_SETTING, SPAN_SETTING, VERSION_SETTING, SpanDriver
from components.example_gen.executor import Executor
from components.example_gen.settings import IngestionSettings
from components.example_gen.spans import EVAL, NEWEST, TRAIN
from transform.declaration import Declaration


class InteractionExampleGen(FileBasedExampleGen):
    """Ingests one span of a folder of interaction CSVs, by the declared types.

    Args:
        input_base: The folder; `components.example_gen.spans` tells its layouts.
        declaration: The declared columns. Its group is the key of the split.
        span: Which span: `newest`, or its folder's name, its date or its number.
        version: Which version of the span. Defaults to its newest.
        data_name: What the data is known by; by default its path.
        complete_marker: The name of a file without which a span, or a version of one, is not there yet. Defaults to none.
        train_buckets: Of `train_buckets + eval_buckets` hash buckets of the group, how many go to `train`. All rows of one
            user are on the same side. Not used if the folder holds a `train` and an `eval` folder: those are the splits.
        eval_buckets: The same for `eval`.
        settings: How strictly rows are read, and what is kept of the rejected ones.
        code_fingerprint: Changes whenever the code that reads rows changes, to keep the cache honest.

    Outputs:
        examples: Examples with the splits `train` and `eval`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = SpanDriver

    def __init__(
        self,
        input_base: str,
        declaration: Declaration,
        span: str = NEWEST,
        version: int | None = None,
        data_name: str = BY_PATH,
        complete_marker: str = "",
        train_buckets: int = 4,
        eval_buckets: int = 1,
        settings: IngestionSettings | None = None,
        code_fingerprint: str = "",
    ) -> None:
        buckets = ((TRAIN, train_buckets), (EVAL, eval_buckets))
        split = example_gen_pb2.SplitConfig.Split
        values: dict[str, Any] = {
            "code_fingerprint": code_fingerprint,
            INGESTION: (settings or IngestionSettings()).to_dict(),
            SPAN_SETTING: span,
            DATA_NAME_SETTING: data_name,
        }
        if version is not None:
            values[VERSION_SETTING] = version
        if complete_marker:
            values[MARKER_SETTING] = complete_marker
        super().__init__(
            input_base=input_base,
            # The driver replaces it by the span's files.
            input_config=example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="all", pattern="*")]),
            output_config=example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(
                    splits=[split(name=name, hash_buckets=number) for name, number in buckets],
                    partition_feature_name=declaration.group,
                )
            ),
            custom_config=pack(values),
        )
