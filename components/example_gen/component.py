"""InteractionExampleGen: the pipeline's door for interaction CSVs."""

from __future__ import annotations

from google.protobuf import struct_pb2
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2

from components.example_gen.executor import Executor
from transform.features import Declaration

TRAIN = "train"
EVAL = "eval"


class InteractionExampleGen(FileBasedExampleGen):
    """Ingests a folder of interaction CSVs, by the declared types.

    Args:
        input_base: The folder.
        declaration: The declared columns. Its group is the key of the split.
        split_folders: Whether the folder holds a `train` and an `eval` folder, which then are the splits. Otherwise its own
            CSVs are split by a hash of the group, so that all rows of one user are on the same side.
        train_buckets: Of `train_buckets + eval_buckets` hash buckets, how many go to `train`.
        eval_buckets: The same for `eval`.
        code_fingerprint: Changes whenever the code that reads rows changes, to keep the cache honest.

    Outputs:
        examples: Examples with the splits `train` and `eval`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        input_base: str,
        declaration: Declaration,
        split_folders: bool = False,
        train_buckets: int = 4,
        eval_buckets: int = 1,
        code_fingerprint: str = "",
    ) -> None:
        split = example_gen_pb2.Input.Split
        if split_folders:
            inputs = [split(name=name, pattern=f"{name}/*.csv") for name in (TRAIN, EVAL)]
            output = example_gen_pb2.Output()
        else:
            inputs = [split(name="all", pattern="*.csv")]
            output = example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(
                    splits=[
                        example_gen_pb2.SplitConfig.Split(name=TRAIN, hash_buckets=train_buckets),
                        example_gen_pb2.SplitConfig.Split(name=EVAL, hash_buckets=eval_buckets),
                    ],
                    partition_feature_name=declaration.group,
                )
            )
        custom_config = example_gen_pb2.CustomConfig()
        settings = struct_pb2.Struct()
        settings["code_fingerprint"] = code_fingerprint
        custom_config.custom_config.Pack(settings)
        super().__init__(
            input_base=input_base,
            input_config=example_gen_pb2.Input(splits=inputs),
            output_config=output,
            custom_config=custom_config,
        )
