"""The custom properties by which artifacts tell where they came from. Their names stand here and nowhere else.

| on | written by | properties |
|---|---|---|
| Examples of a span | example_gen | `SPAN`, `VERSION`, `SPAN_NAME`, `DATA_ROOT`, `DATA_NAME`, `SPLIT_BY`, `DECLARATION` |
| ExampleStatistics, ExampleAnomalies, DataBlessing | each from the one before it | the same, and `EXAMPLES_ID` |
| Examples of a run (the dataset), Model, PushedModel | each from the one before it | `LINEAGE` |
| ModelBlessing, PushedModel | evaluator, pusher | `FORCE`, if the blessing was forced |
| Model, PushedModel | a rollback | `TAKEN_BACK`, `TAKEN_BACK_AT` |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfx import types

# A types.Artifact, or the metadata store's own message of one; ml_metadata ships no types.
AnyArtifact = Any

# Of a span: its number and version (a re-export), as TFX calls them, and its folder's name, empty for data without spans.
SPAN = "span"
VERSION = "version"
SPAN_NAME = "span_name"
# Of its data: the folder it was read from, and the name that DATA_NAME gave the data, if any. `components.data_identity`
# tells by them whether two artifacts are of the same data.
DATA_ROOT = "data_root"
DATA_NAME = "data_name"
# How its rows were split into `train` and `eval`, and the declared columns and kinds it was read by.
SPLIT_BY = "split_by"
DECLARATION = "declaration"
EXAMPLES_ID = "examples_id"

# Of a run: the names of the spans that train, separated by commas, that of the span that judges, and which rows of it do.
# The judging span's number is SPAN.
TRAIN_SPANS = "train_spans"
EVAL_SPAN = "eval_span"
JUDGED_BY = "judged_by"
NEXT_SPAN = "the next span"
HELD_OUT_ROWS = "held-out rows"
# Of a run's dataset: how many of the rows that train tell when to stop instead.
STOPPING_ROWS = "stopping_rows"

# Of a blessing that was given although bounds do not hold, and of what is published by it: why, and which bounds.
FORCED = "forced"
FAILED_BOUNDS = "failed_bounds"

# Of a model, and of what is published of it, that was taken back: why, and when.
TAKEN_BACK = "taken_back"
TAKEN_BACK_AT = "taken_back_at"

OF_SPAN = (SPAN, VERSION, SPAN_NAME, DATA_ROOT, DATA_NAME, SPLIT_BY, DECLARATION)
LINEAGE = (SPAN, EVAL_SPAN, TRAIN_SPANS, JUDGED_BY, DATA_ROOT, DATA_NAME, SPLIT_BY, DECLARATION)
FORCE = (FORCED, FAILED_BOUNDS)


def number(artifact: AnyArtifact, name: str) -> int:
    """A custom property; 0 if it is not set. (To index the map of properties would set it.)"""
    properties = _properties(artifact)
    return int(properties[name].int_value) if name in properties else 0


def text(artifact: AnyArtifact, name: str) -> str:
    """A custom property; empty if it is not set."""
    properties = _properties(artifact)
    return str(properties[name].string_value) if name in properties else ""


def span_of(artifact: AnyArtifact) -> int:
    """The number of the span that an artifact holds, or was judged by; 0 if it has none."""
    return number(artifact, SPAN)


def copy_properties(source: types.Artifact, target: types.Artifact, names: Iterable[str]) -> None:
    """Sets those of the named custom properties on `target` that `source` has. The pusher copies LINEAGE like this."""
    for name in names:
        if name in _properties(source):
            _properties(target)[name].CopyFrom(_properties(source)[name])


def _properties(artifact: AnyArtifact) -> Any:
    row: Any = getattr(artifact, "mlmd_artifact", artifact)
    return row.custom_properties
