"""The graph: from interaction CSVs to a published model."""

from __future__ import annotations

from collections.abc import Collection
from itertools import takewhile
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.components import Transform, Tuner
from tfx.dsl.compiler import constants
from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2
from tfx.types import Channel
from tfx.types.standard_artifacts import Examples, ExampleStatistics, Model, ModelBlessing, PushedModel

from components.artifacts import DataBlessing
from components.dataset.component import Dataset
from components.dataset.held_out import VALIDATION
from components.declared_schema import DeclaredSchema
from components.evaluation.component import Evaluator
from components.example_gen.component import InteractionExampleGen
from components.example_gen.spans import EVAL, TRAIN
from components.example_validator.component import ExampleValidator
from components.freshness import Freshness
from components.latest_blessed_model import LatestBlessedBeforeCandidate
from components.pusher.component import Pusher
from components.serving_validator.component import KUBERNETES, ServingValidator, on_kubernetes
from components.statistics_gen.component import TokenStatisticsGen
from components.training import Trainer
from components.validation_gate import ValidationGate
from components.vocabulary_validator.component import VocabularyValidator
from pipeline.config import RunConfig
from pipeline.fingerprint import code_fingerprint
from pipeline.strategies import OWN, Strategies
from transform.features import DECLARATION
from transform.pretrained import table_paths
from transform.schema import schema_text

# What each node does, for people. The nodes run in this order.
NODES = {
    "example_gen": "reads and checks the CSVs",
    "statistics_gen": "computes statistics of all tokens",
    "previous_statistics": "finds the last accepted span",
    "example_validator": "compares the span with it and the schema",
    "validation_gate": "stops a bad span",
    "window": "finds the spans before this one",
    "dataset": "chooses the rows that train and judge",
    "schema": "puts out the schema of the declaration",
    "transform": "builds vocabularies, maps tokens to ids",
    "vocabulary_validator": "measures what is out of vocabulary",
    "trainer": "trains and exports the DIN",
    "latest_blessed_model": "finds the model to beat",
    "evaluator": "measures it and holds it to the bounds",
    "serving_validator": "serves it, and compares the answers",
    "published_later": "looks for a later span's model",
    "freshness": "keeps a past day's model from going out",
    "pusher": "publishes a blessed model",
}


# A node that there is with `warm_start` alone, and what it does. It comes before the trainer.
WARM_START = "warm_start_model"
TASKS = NODES | {WARM_START: "finds the model to start from"}
# The nodes of `make tune`: all that come before the trainer, and TFX's Tuner.
TUNER = "tuner"
TASKS[TUNER] = "tries hyperparameters"
TUNING = (*takewhile(lambda node: node != "trainer", NODES), TUNER)
# The nodes that take a span in, and stop a bad one.
INGESTION = ("example_gen", "statistics_gen", "previous_statistics", "example_validator", "validation_gate")
# What runs in each node, besides TFX's own: a change of it, or of what it imports, is a change of the node. TFX caches no
# resolver.
CODE = {
    "example_gen": ("components.example_gen.executor", "components.example_gen.driver"),
    "statistics_gen": ("components.statistics_gen.executor",),
    "example_validator": ("components.example_validator.executor",),
    "validation_gate": ("components.validation_gate",),
    "dataset": ("components.dataset.executor",),
    "schema": ("components.declared_schema",),
    "transform": ("transform.preprocessing",),
    "vocabulary_validator": ("components.vocabulary_validator.executor",),
    "trainer": ("components.training", "trainer.run"),
    TUNER: ("trainer.tune",),
    "evaluator": ("components.evaluation.executor",),
    "serving_validator": ("components.serving_validator.executor", "serving.__main__"),
    "freshness": ("components.freshness",),
    "pusher": ("components.pusher.executor",),
}
# What stops a run, and the nodes that wait for it though they take nothing from it.
GATES = (
    ("validation_gate", "window"),
    ("validation_gate", "dataset"),
    ("vocabulary_validator", "trainer"),
    ("vocabulary_validator", TUNER),
)


# What is published now is not for the cache to say: the pusher looks in every run.
RUN_ID = RuntimeParameter(name=constants.PIPELINE_RUN_ID_PARAMETER_NAME, ptype=str)


def create_pipeline(
    config: RunConfig,
    nodes: Collection[str] = tuple(NODES),
    connection: metadata_store_pb2.ConnectionConfig | None = None,
    strategies: Strategies = OWN,
    run_id: str | RuntimeParameter = RUN_ID,
) -> Pipeline:
    """Returns the pipeline of a configuration; a function of its arguments alone.

    Args:
        config: The configuration.
        nodes: The ids of the nodes it has: all, or `INGESTION`.
        connection: The metadata store, for runners that take it from the pipeline.
        strategies: How the nodes that look into the metadata store do it.
        run_id: The run's id, or what the runner puts its own for. Without one, the cache may answer for the pusher.

    Raises:
        ValueError: The training is to start from an earlier model, and no strategy finds one.
    """
    if config.hyperparameters.warm_start and strategies.warm_start_model is None:
        raise ValueError("`warm_start` must be false where no strategy finds an earlier model. Received: True.")
    wanted = {*nodes, WARM_START} if "trainer" in nodes else {*nodes}
    chosen = {node.id: node for node in _nodes(config, strategies, run_id) if node.id in wanted}
    for gate, guarded in GATES:
        if gate in chosen and guarded in chosen:
            chosen[guarded].add_upstream_node(chosen[gate])
    for node in chosen.values():
        if isinstance(node, BaseBeamComponent):
            node.with_beam_pipeline_args(config.beam.options(node.id))
    return Pipeline(
        pipeline_name=config.pipeline_name,
        pipeline_root=config.pipeline_root,
        metadata_connection_config=connection,
        components=list(chosen.values()),
        enable_cache=True,
    )


def _nodes(config: RunConfig, strategies: Strategies, run_id: str | RuntimeParameter) -> list[BaseNode]:
    resolvers: dict[str, Resolver] = {}

    def found(node: str, output: str, **inputs: Any) -> Channel | None:
        """The output of a resolver; None if it has no strategy."""
        strategy = getattr(strategies, node)
        if strategy is None:
            return None
        resolvers[node] = Resolver(strategy_class=strategy, **inputs).with_id(node)
        return resolvers[node].outputs[output]

    tables = table_paths(DECLARATION)
    example_gen = InteractionExampleGen(
        input_base=config.data_root,
        declaration=DECLARATION,
        span=config.span,
        version=config.version,
        data_name=config.data_name,
        complete_marker=config.marker,
        settings=config.ingestion,
        code_fingerprint=code_fingerprint(*CODE["example_gen"]),
    ).with_id("example_gen")
    span = example_gen.outputs["examples"]
    statistics_gen = TokenStatisticsGen(examples=span, code_fingerprint=code_fingerprint(*CODE["statistics_gen"])).with_id(
        "statistics_gen"
    )
    statistics = statistics_gen.outputs["statistics"]
    previous_statistics = found(
        "previous_statistics",
        "statistics",
        statistics=Channel(type=ExampleStatistics),
        blessing=Channel(type=DataBlessing),
        anchor=statistics,
    )
    example_validator = ExampleValidator(
        statistics=statistics,
        previous_statistics=previous_statistics,
        bounds=config.data_bounds,
        judge_split=EVAL,
        code_fingerprint=code_fingerprint(*CODE["example_validator"]),
    ).with_id("example_validator")
    validation_gate = ValidationGate(
        anomalies=example_validator.outputs["anomalies"], code_fingerprint=code_fingerprint(*CODE["validation_gate"])
    ).with_id("validation_gate")
    schema = DeclaredSchema(schema_text(DECLARATION), code_fingerprint(*CODE["schema"])).with_id("schema")
    window = found(
        "window",
        "examples",
        config={"num_spans": config.window_spans},
        examples=Channel(type=Examples, producer_component_id=example_gen.id),
        blessing=Channel(type=DataBlessing),
        anchor=span,
    )
    dataset = Dataset(
        window=window,
        anchor=span,
        code_fingerprint=code_fingerprint(*CODE["dataset"]),
        group=DECLARATION.group,
    ).with_id("dataset")
    examples = dataset.outputs["examples"]
    transform = Transform(
        examples=examples,
        schema=schema.outputs["schema"],
        preprocessing_fn="transform.preprocessing.preprocessing_fn",
        # StatisticsGen has looked at the same rows; statistics of ids would take half of the time of this node.
        disable_statistics=True,
        custom_config={"code_fingerprint": code_fingerprint(*CODE["transform"], files=tables)},
    ).with_id("transform")
    vocabulary_validator = VocabularyValidator(
        transformed_examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        bounds=config.data_bounds,
        split=EVAL,
        code_fingerprint=code_fingerprint(*CODE["vocabulary_validator"]),
    ).with_id("vocabulary_validator")
    earlier = None
    if config.hyperparameters.warm_start:
        channels = {"model": Channel(type=Model), "model_blessing": Channel(type=ModelBlessing)}
        earlier = found(WARM_START, "model", **channels, dataset=examples)
    trainer = Trainer(
        run_fn="trainer.run.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        dataset=examples,
        train_split=TRAIN,
        validation_split=VALIDATION,
        base_model=earlier,
        custom_config={
            "hyperparameters": config.hyperparameters.to_dict(),
            "export": config.export.to_dict(),
            "code_fingerprint": code_fingerprint(*CODE["trainer"], files=tables),
        },
    ).with_id("trainer")
    tuner = Tuner(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        tuner_fn="trainer.tune.tuner_fn",
        train_args=trainer_pb2.TrainArgs(splits=[TRAIN]),
        eval_args=trainer_pb2.EvalArgs(splits=[VALIDATION]),
        custom_config={
            "hyperparameters": config.hyperparameters.to_dict(),
            "tuning": config.tuning.to_dict(),
            "code_fingerprint": code_fingerprint(*CODE[TUNER]),
        },
    ).with_id(TUNER)
    model = trainer.outputs["model"]
    channels = {"model": Channel(type=Model), "model_blessing": Channel(type=ModelBlessing)}
    if issubclass(strategies.latest_blessed_model, LatestBlessedBeforeCandidate):
        channels |= {"candidate": model, "passed_over": Channel(type=Model)}
    latest_blessed_model = found("latest_blessed_model", "model", **channels)
    evaluator = Evaluator(
        examples=examples,
        model=model,
        baseline_model=latest_blessed_model,
        train_split=TRAIN,
        judge_split=EVAL,
        bounds=config.bounds,
        code_fingerprint=code_fingerprint(*CODE["evaluator"]),
    ).with_id("evaluator")
    serving = config.serving
    serving_validator: BaseNode
    if serving.serving_validator == KUBERNETES:
        serving_validator = on_kubernetes(model, examples, EVAL, serving)
    else:
        serving_validator = ServingValidator(
            model=model,
            examples=examples,
            split=EVAL,
            model_name=config.pipeline_name,
            settings=serving,
            code_fingerprint=code_fingerprint(*CODE["serving_validator"]),
        )
    serving_validator = serving_validator.with_id("serving_validator")
    is_served = serving.serving_validator != "none"
    freshness = Freshness(
        pushed_model=found("published_later", "pushed_model", pushed_model=Channel(type=PushedModel), dataset=examples),
        dataset=examples,
        code_fingerprint=code_fingerprint(*CODE["freshness"]),
    ).with_id("freshness")
    pusher = Pusher(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=serving_validator.outputs["blessing"] if is_served else None,
        freshness_blessing=freshness.outputs["blessing"],
        base_directory=config.serving_root,
        run_id=run_id,
        code_fingerprint=code_fingerprint(*CODE["pusher"]),
    ).with_id("pusher")
    components = [
        example_gen,
        statistics_gen,
        example_validator,
        validation_gate,
        dataset,
        schema,
        transform,
        vocabulary_validator,
        trainer,
        evaluator,
        *([serving_validator] if is_served else []),
        freshness,
        pusher,
        tuner,
    ]
    return sorted([*components, *resolvers.values()], key=lambda node: [*TASKS].index(node.id))
