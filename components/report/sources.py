"""What a report is made of: artifacts by name, those of the run and those of earlier spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.properties import AnyArtifact

# Each with the node that puts it out, and under which key.
OF_RUN = {
    "span": ("example_gen", "examples"),
    "statistics": ("statistics_gen", "statistics"),
    "anomalies": ("example_validator", "anomalies"),
    "dataset": ("dataset", "examples"),
    "coverage": ("vocabulary_validator", "coverage"),
    "model": ("trainer", "model"),
    "model_run": ("trainer", "model_run"),
    "evaluation": ("evaluator", "evaluation"),
    "blessing": ("evaluator", "blessing"),
    "freshness": ("freshness", "blessing"),
    "model_card": ("model_card", "model_card"),
    "pushed_model": ("pusher", "pushed_model"),
}
PAST = {
    "past_examples": ("past_spans", "examples"),
    "past_statistics": ("past_spans", "statistics"),
    "past_anomalies": ("past_spans", "anomalies"),
    "past_model_cards": ("past_spans", "model_cards"),
}

# Where the model is served before it is published.
SERVED = {"served": ("serving_validator", "blessing")}

Sources = Mapping[str, Sequence[AnyArtifact]]


def one(sources: Sources, name: str) -> AnyArtifact | None:
    """The only artifact of a name; None if the run has not come that far."""
    found = sources.get(name) or ()
    return found[0] if found else None
