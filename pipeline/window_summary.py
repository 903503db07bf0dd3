"""The summary's lines of the window: which rows trained, which judged, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from components.data_identity import of_same_data
from components.declared import difference, same_declaration
from components.example_gen.reports import ROWS_USED
from components.example_gen.spans import EVAL, TRAIN, find_spans
from components.properties import (
    DATA_ROOT,
    EVAL_SPAN,
    EXAMPLES_ID,
    JUDGED_BY,
    NEXT_SPAN,
    SPAN_NAME,
    STOPPING_ROWS,
    TRAIN_SPANS,
    number,
    text,
)
from pipeline.advice import Advice
from pipeline.config import RunConfig
from pipeline.results import Artifact, RunRecord, split_sizes

# A title, empty where the line goes on, and a text.
Line = tuple[str, str]
# The title of what a person must see.
WARNING = "Warning"


def window_lines(config: RunConfig, run: RunRecord, advice: Advice) -> Iterator[Line]:
    """What trained and what judged; and, loudly, which accepted spans could not be joined to the window."""
    dataset = run.one("dataset", "examples")
    span = run.one("example_gen", "examples")
    if text(dataset, JUDGED_BY) == NEXT_SPAN:
        names = text(dataset, TRAIN_SPANS).split(",")
        spans = names[0] if len(names) == 1 else f"{len(names)} spans from {names[0]} to {names[-1]}"
        rows = sum(number(examples, ROWS_USED) for examples in run.all("window", "examples"))
        judging = number(span, ROWS_USED)
        yield "Window", f"{rows} rows of {spans} train, {judging} rows of {text(dataset, EVAL_SPAN)} judge"
    else:
        sizes = split_sizes(run.one("statistics_gen", "statistics"), (TRAIN, EVAL))
        name = text(dataset, EVAL_SPAN)
        yield (
            "Split",
            f"{sizes[TRAIN]} train, {sizes[EVAL]} eval" + (f", all of {name}: no earlier span is ingested" if name else ""),
        )
    if stopping := number(dataset, STOPPING_ROWS):
        yield "", f"{stopping} of the rows that train tell when to stop instead: those of some clients"
    yield from _not_joined(config, run, advice)
    missing = _missing(config, run)
    if missing:
        yield "", f"in DATA_ROOT but not in the window: {', '.join(missing)}; {advice.to_take_in(missing)}"


def _not_joined(config: RunConfig, run: RunRecord, advice: Advice) -> Iterator[Line]:
    """Which accepted spans the window should hold and does not, and why."""
    joined = run.all("window", "examples")
    span = run.one("example_gen", "examples")
    left = [one for one in run.all("window", "blessing") if number(one, EXAMPLES_ID) not in {e.id for e in joined}]
    if not left:
        return
    if not joined and not of_same_data(span, left):
        name, root = text(left[-1], SPAN_NAME), text(left[-1], DATA_ROOT)
        yield "", f"{name} was accepted of {root}: if that folder is here now, DATA_NAME={root} joins its spans"
        return
    yield WARNING, f"WINDOW_SPANS asks for {config.window_spans} spans, {len(joined)} of them train"
    others = [one for one in left if not same_declaration(one, span)]
    gone = [one for one in left if one not in others]
    if others:
        by_another = f"ingested by another declaration, {difference(others[-1], span)}: {_names(others)}"
        yield "", f"{by_another}. {_again(config, others, advice)}"
    if gone:
        yield "", f"accepted once, and removed since: {_names(gone)}. {_again(config, gone, advice)}"


def _again(config: RunConfig, spans: Sequence[Artifact], advice: Advice) -> str:
    """How spans can be taken in again."""
    available = set(find_spans(config.data_root).values())
    names = [text(one, SPAN_NAME) for one in spans]
    there = [name for name in names if name in available]
    lost = [name for name in names if name not in available]
    told = [advice.to_take_in(there)] if there else []
    told += [f"DATA_ROOT no longer has {', '.join(lost)}"] if lost else []
    return "; ".join(told)


def _names(spans: Sequence[Artifact]) -> str:
    return ", ".join(text(one, SPAN_NAME) for one in spans)


def _missing(config: RunConfig, run: RunRecord) -> list[str]:
    """The spans that the window would hold if they had been ingested."""
    dataset = run.one("dataset", "examples")
    available = list(find_spans(config.data_root).values())
    anchor = text(dataset, EVAL_SPAN)
    if anchor not in available:
        return []
    before = available[: available.index(anchor)][-config.window_spans :]
    told = {*text(dataset, TRAIN_SPANS).split(","), *(text(one, SPAN_NAME) for one in run.all("window", "blessing"))}
    return [name for name in before if name not in told]
