"""What the summary says of the server that a model was tried in."""

from __future__ import annotations

from tfx.types.standard_artifacts import InfraBlessing

from pipeline.results import RunRecord
from pipeline.summary import serving_lines


def run_of(blessed: int, **told: str | int | float) -> RunRecord:
    blessing = InfraBlessing()
    blessing.set_int_custom_property("blessed", blessed)
    for name, value in told.items():
        if isinstance(value, str):
            blessing.set_string_custom_property(name, value)
        elif isinstance(value, int):
            blessing.set_int_custom_property(name, value)
        else:
            blessing.set_float_custom_property(name, value)
    return RunRecord({"serving_validator": {"blessing": [blessing.mlmd_artifact]}}, frozenset())


def test_the_server_and_its_answers_are_told() -> None:
    run = run_of(1, server="embedded", served_rows=200, calls=8, worst_difference=6e-8, milliseconds=11.94)
    asked = "by the embedded server: 8 requests of 200 rows"
    told = f"{asked}, answers as the evaluator's, to 6e-08; 11.9 ms for 100 candidates"
    assert list(serving_lines(run)) == [("Served", told)]


def test_a_refusal_says_that_nothing_is_published() -> None:
    assert list(serving_lines(run_of(0, reason="the model could not be served: ..."))) == [
        ("Served", "no: it is not published")
    ]


def test_tfxs_own_validator_and_a_run_without_any_are_told_apart() -> None:
    assert list(serving_lines(run_of(1))) == [("Served", "yes, by TFX's InfraValidator")]
    assert list(serving_lines(RunRecord({}, frozenset()))) == []
