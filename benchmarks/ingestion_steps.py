"""One measured step of `benchmarks.ingestion`, in a process of its own: prints a `Measurement` as JSON."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline.beam import BeamSettings


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What a step cost: CPU and memory with those of its worker processes, of which the largest counts."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: int


def measure(step: Callable[[], None]) -> Measurement:
    """Runs the step. The peak is that of the whole process, or of a worker process, from its start."""
    cpu, wall = _cpu_seconds(), time.perf_counter()
    step()
    cpu, wall = _cpu_seconds() - cpu, time.perf_counter() - wall
    peaks = (resource.getrusage(of).ru_maxrss for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Measurement(cpu, wall, max(peaks) // 1024)


def _cpu_seconds() -> float:
    """Those of this process and of its ended children."""
    return sum(os.times()[:4])


def example_gen(stock: bool, source: Path, out: Path, beam_args: Sequence[str]) -> Callable[[], None]:
    """The stock example generator, or the project's own, from the folder `source` to the folder `out`."""
    from tfx.components.example_gen.csv_example_gen.executor import Executor as StockExecutor
    from tfx.proto import example_gen_pb2
    from tfx.types import standard_artifacts
    from tfx.types import standard_component_specs as keys
    from tfx.utils import proto_utils

    from components.example_gen.executor import Executor
    from transform.features import DECLARATION

    split = example_gen_pb2.SplitConfig.Split
    inputs = example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="all", pattern="*.csv")])
    hashed = example_gen_pb2.SplitConfig(
        splits=[split(name="train", hash_buckets=4), split(name="eval", hash_buckets=1)],
        partition_feature_name=DECLARATION.group,
    )
    properties = {
        keys.INPUT_BASE_KEY: str(source),
        keys.INPUT_CONFIG_KEY: proto_utils.proto_to_json(inputs),
        keys.OUTPUT_CONFIG_KEY: proto_utils.proto_to_json(example_gen_pb2.Output(split_config=hashed)),
        keys.OUTPUT_DATA_FORMAT_KEY: example_gen_pb2.FORMAT_TF_EXAMPLE,
    }
    return _step(
        StockExecutor if stock else Executor,
        {},
        {keys.EXAMPLES_KEY: _artifact(standard_artifacts.Examples, out)},
        properties,
        beam_args,
    )


def statistics_gen(stock: bool, examples: Path, out: Path, beam_args: Sequence[str]) -> Callable[[], None]:
    """TFX's StatisticsGen, or the project's own, which counts tokens, on the folder of the project's own examples."""
    from tfx.components.statistics_gen.executor import Executor as StockExecutor
    from tfx.types import standard_artifacts
    from tfx.types import standard_component_specs as keys

    from components.statistics_gen.executor import Executor

    outputs = {keys.STATISTICS_KEY: _artifact(standard_artifacts.ExampleStatistics, out)}
    properties = {keys.EXCLUDE_SPLITS_KEY: "[]"} if stock else {}
    inputs = {keys.EXAMPLES_KEY: _examples(examples)}
    return _step(StockExecutor if stock else Executor, inputs, outputs, properties, beam_args)


def transform(examples: Path, out: Path, beam_args: Sequence[str]) -> Callable[[], None]:
    """TFX's Transform on the folder of the project's own examples, as the pipeline runs it."""
    from tfx.components.transform.executor import Executor
    from tfx.types import standard_artifacts
    from tfx.types import standard_component_specs as keys

    inputs = {
        keys.EXAMPLES_KEY: _examples(examples),
        keys.SCHEMA_KEY: _artifact(standard_artifacts.Schema, out / "schema"),
    }
    (out / "schema").mkdir(parents=True)
    from transform.features import DECLARATION
    from transform.schema import schema_text

    (out / "schema" / "schema.pbtxt").write_text(schema_text(DECLARATION))
    outputs = {
        keys.TRANSFORM_GRAPH_KEY: _artifact(standard_artifacts.TransformGraph, out / "graph"),
        keys.TRANSFORMED_EXAMPLES_KEY: _artifact(standard_artifacts.Examples, out / "examples"),
    }
    properties = {
        keys.PREPROCESSING_FN_KEY: "transform.preprocessing.preprocessing_fn",
        keys.DISABLE_STATISTICS_KEY: 1,
        keys.CUSTOM_CONFIG_KEY: "null",
    }
    return _step(Executor, inputs, outputs, properties, beam_args)


def _step(
    executor: Any, inputs: dict[str, Any], outputs: dict[str, Any], properties: dict[str, Any], beam_args: Sequence[str]
) -> Callable[[], None]:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    def make_pipeline() -> beam.Pipeline:
        return beam.Pipeline(options=PipelineOptions(list(beam_args)))

    temporary = str(Path(next(iter(outputs.values())).uri) / "tmp")
    context = executor.Context(make_beam_pipeline_fn=make_pipeline, tmp_dir=temporary, unique_id="1")
    inputs, outputs = ({key: [artifact] for key, artifact in group.items()} for group in (inputs, outputs))
    return lambda: executor(context).Do(inputs, outputs, properties)


def _artifact(kind: Any, folder: Path) -> Any:
    artifact = kind()
    artifact.uri = str(folder)
    return artifact


def _examples(folder: Path) -> Any:
    from tfx.components.util import examples_utils
    from tfx.proto import example_gen_pb2
    from tfx.types import artifact_utils, standard_artifacts

    examples = _artifact(standard_artifacts.Examples, folder)
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    return examples


def main(name: str, source: Path, out: Path, processes: int) -> None:
    """Measures a step in memory, or with that many worker processes if it is not 0."""
    settings = BeamSettings(beam_runner="processes", parallelism=processes) if processes else BeamSettings()
    # The options are the same for every node.
    beam_args = settings.options("example_gen")
    steps: dict[str, Callable[[], Callable[[], None]]] = {
        "CsvExampleGen": lambda: example_gen(True, source, out / "stock", beam_args),
        "InteractionExampleGen": lambda: example_gen(False, source, out / "examples", beam_args),
        "StatisticsGen": lambda: statistics_gen(True, out / "examples", out / "stock_statistics", beam_args),
        "TokenStatisticsGen": lambda: statistics_gen(False, out / "examples", out / "statistics", beam_args),
        "Transform": lambda: transform(out / "examples", out / "transform", beam_args),
    }
    print(json.dumps(dataclasses.asdict(measure(steps[name]()))))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
