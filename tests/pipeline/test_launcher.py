"""The cause of a failure, in a line or two."""

from __future__ import annotations

from pipeline.errors import cause_of


def test_the_cause_is_the_innermost_error_without_beams_notes() -> None:
    inner = ValueError("feed.csv, line 3: broken. [while running 'InputToRecord/Read']")
    outer = RuntimeError("outer")
    outer.__cause__ = inner
    assert cause_of(outer) == "feed.csv, line 3: broken."


def test_a_long_message_is_cut_and_an_empty_one_is_named() -> None:
    assert cause_of(ValueError("one\n\ntwo")) == "one\ntwo"
    assert len(cause_of(ValueError("line\n" * 1000)).splitlines()) == 24
    assert cause_of(KeyboardInterrupt()) == "KeyboardInterrupt"


def test_the_cause_in_a_worker_elsewhere_is_the_end_of_its_traceback() -> None:
    told = """Pipeline job-1 failed in state FAILED: bundle failed:Traceback (most recent call last):
  File "/a/worker.py", line 1, in run
    work()
    ^^^^^^
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/a/worker.py", line 9, in run
    work()
ImportError: no module
  of that name [while running 'Step']
"""
    assert cause_of(RuntimeError(told)) == "ImportError: no module\n  of that name"
