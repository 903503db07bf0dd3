"""When served requests differ from what the model was judged by."""

from __future__ import annotations

from settings.base import Settings, setting


class ParitySettings(Settings):
    """Comparing served requests, by `make parity`."""

    parity_rows: int = setting(50_000, "The most logged scores, and rows of the model's data, that are compared.", ge=1)
    parity_max_different: float = setting(
        0.0, "The largest share of logged scores that may differ from the model's by more than 1e-5.", ge=0, le=1
    )
    parity_max_drift: float = setting(
        0.1, "The most that a column's tokens may differ from those that trained (Jensen-Shannon divergence, bits).", gt=0
    )
    parity_max_oov_rise: float = setting(
        0.1, "By how much a column's share of tokens out of vocabulary may be above that of the judging rows.", ge=0
    )
    parity_max_miscalibration: float = setting(
        0.25, "How far clicks by scores may be off those of the judging rows, as a share of them.", gt=0
    )
