"""A node's IR with parameters written into it is the one that create_pipeline makes of them."""

from __future__ import annotations

import re

import pytest
from google.protobuf import json_format
from tfx.dsl.compiler.compiler import Compiler

from components.data_bounds import DataBounds
from components.evaluation.bounds import Bounds
from components.example_gen.settings import IngestionSettings
from kubeflow import node_ir, parameters
from pipeline.beam import BeamSettings
from pipeline.config import RunConfig
from pipeline.pipeline import create_pipeline
from trainer.hyperparameters import Hyperparameters

BASE = RunConfig(
    data_root="/data",
    state_root="/state",
    data_bounds=DataBounds(max_change_of={"topic_id": 0.5}, domains={"client_type": ("0", "1")}),
    hyperparameters=Hyperparameters(embedding_dim=4, dnn_hidden_units=(8,)),
)
CHANGED = RunConfig(
    data_root="/other data/üñï",
    state_root="/state",
    span="2026-01-03",
    span_version=2,
    complete_marker="_SUCCESS",
    window_spans=3,
    ingestion=IngestionSettings(max_rejected_share=0.5, max_row_bytes=99, max_list_length=7, dead_letter_received=0),
    data_bounds=BASE.data_bounds.replace(max_drift=0.25, min_rows=5, max_oov_rate=0.125, tolerated=()),
    hyperparameters=BASE.hyperparameters.replace(epochs=2, batch_size=32, learning_rate=1e-06, seed=9),
    bounds=Bounds(min_auc=0.75, max_auc_drop=0.0),
    beam=BeamSettings(
        beam_runner="flink",
        beam_runner_of={"evaluator": "memory"},
        job_endpoint="flink:8099",
        environment_type="EXTERNAL",
        environment_config="localhost:50000",
        parallelism=3,
        beam_options=("--flink_version=1.19",),
    ),
)


def texts(config: RunConfig) -> dict[str, str]:
    """The parameters as Kubeflow passes them: numbers without exponents, whole ones without a point."""
    values = parameters.defaults(config)
    return {
        name: value if isinstance(value, str) else f"{value:.12f}".rstrip("0").rstrip(".") for name, value in values.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(("compiled", "wanted"), [(BASE, CHANGED), (CHANGED, BASE), (BASE, BASE)])
def test_written_parameters_equal_compiled_ones(compiled: RunConfig, wanted: RunConfig) -> None:
    cuts, expected = (node_ir.cut(Compiler().compile(create_pipeline(config))) for config in (compiled, wanted))
    for node, one in cuts.items():
        given = {name: text for name, text in texts(wanted).items() if name in parameters.of_node(node)}
        sent = node_ir.from_text(node_ir.to_text(one))
        parameters.apply(sent, parameters.configured(RunConfig.from_json(compiled.to_json()), given))
        assert json_format.MessageToDict(sent) == json_format.MessageToDict(expected[node]), node


def test_a_run_config_survives_its_text() -> None:
    for config in (BASE, CHANGED):
        assert RunConfig.from_json(config.to_json()) == config


def test_all_parameters_together_make_the_configuration() -> None:
    assert parameters.configured(BASE, texts(CHANGED)) == CHANGED
    assert parameters.configured(CHANGED, texts(BASE)) == BASE


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("epochs", "many", "`epochs` must be a whole number, at least 1. Received: 'many'"),
        ("min_auc", "1.5", "`min_auc` must be a number, at least 0 and at most 1. Received: '1.5'"),
        ("span_version", "-1", "`span_version` must be a whole number, at least 0, or one of 'newest'. Received: '-1'"),
        ("span", "", "`span` must not be empty"),
        ("data_root", "", "`data_root` must not be empty"),
    ],
)
def test_a_wrong_parameter_is_refused_and_named(name: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parameters.configured(BASE, {name: text})
