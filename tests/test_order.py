"""The order in which the tests are dealt out."""

from __future__ import annotations

from tests.conftest import LONGEST, TESTS, group_of, rank_of


def test_what_is_named_as_long_is_there() -> None:
    assert [name for name in LONGEST if not (TESTS / name).exists()] == []


def test_files_that_share_fixtures_stay_together_and_whole_runs_come_first() -> None:
    def group(file: str) -> str:
        return group_of(TESTS / file)

    assert group("kubeflow/test_runs.py") == group("kubeflow/test_package.py")
    assert group("end_to_end/test_pipeline.py") != group("end_to_end/test_new.py")
    files = ["trainer/test_din.py", "test_order.py", "kubeflow/schedule/test_a.py", "end_to_end/test_new.py"]
    assert sorted(files, key=lambda file: rank_of(group(file))) == [files[2], files[0], files[3], files[1]]
