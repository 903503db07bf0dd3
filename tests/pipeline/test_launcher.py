"""The cause of a failure, in a line or two."""

from __future__ import annotations

from pipeline.launcher import cause_of


def test_the_cause_is_the_innermost_error_without_beams_notes() -> None:
    inner = ValueError("feed.csv, line 3: broken. [while running 'InputToRecord/Read']")
    outer = RuntimeError("outer")
    outer.__cause__ = inner
    assert cause_of(outer) == "feed.csv, line 3: broken."


def test_a_long_message_is_cut_and_an_empty_one_is_named() -> None:
    assert cause_of(ValueError("one\n\ntwo")) == "one\ntwo"
    assert len(cause_of(ValueError("line\n" * 1000)).splitlines()) == 24
    assert cause_of(KeyboardInterrupt()) == "KeyboardInterrupt"
