"""Which spans a person asks to ingest."""

from __future__ import annotations

from components.example_gen.source import find_source
from components.example_gen.spans import find_spans, span_number
from pipeline.config import RunConfig


def chosen_spans(text: str, config: RunConfig) -> list[str]:
    """The folder names of the asked-for spans, oldest first.

    Args:
        text: `FROM..TO`, a list, or nothing: then the spans of the window of `config.span`, that one included. Days of a
            range that have no folder are left out.
        config: The run's settings.

    Raises:
        ValueError: The data root has no such span.
    """
    available = find_spans(config.data_root)
    if not available:
        raise ValueError(f"`DATA_ROOT` must hold folders of spans. Received: {config.data_root}, without one.")
    if text and ".." not in text:
        sources = [find_source(config.data_root, name.strip(), marker=config.marker) for name in text.split(",")]
        return [available[number] for number in sorted({source.span for source in sources})]
    low, high, most = min(available), max(available), len(available)
    if text:
        first, last = text.split("..", 1)
        low, high = _bound(first, low), _bound(last, high)
    else:
        high, most = find_source(config.data_root, config.span, marker=config.marker).span, config.window_spans + 1
    chosen = [available[number] for number in sorted(available) if low <= number <= high][-most:]
    if not chosen:
        raise ValueError(f"`SPANS` must hold spans of {config.data_root}. Received: {text}, without one.")
    return chosen


def _bound(text: str, default: int) -> int:
    number = span_number(text) if text else default
    if number is None:
        raise ValueError(f"`SPANS` must be bounded by spans: dates, folder names or numbers. Received: {text!r}.")
    return number
