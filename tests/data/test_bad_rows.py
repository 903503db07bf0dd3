"""Planted bad rows: each breaks a rule, the truth names its place, and the good rows are those of the clean files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.synthesize.bad_rows import KINDS
from data.synthesize.command import main
from data.synthesize.synthesis import BAD_ROWS_FILE, SynthesisConfig, synthesize
from tests.data.strict_reader import is_accepted

GOOD = ["1", "100001", "0", "1", "3", "1,2", "1:0.5000,2:0.5000", "1,3", "2,4", "4"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    root = tmp_path_factory.mktemp("bad-rows")
    synthesize(SynthesisConfig(rows=3000, layout="folders"), root / "clean")
    synthesize(SynthesisConfig(rows=3000, layout="folders", bad_share=0.02), root / "dirty", root / "truth")
    return root / "clean", root / "dirty", root / "truth"


def _truth(folder: Path) -> list[tuple[str, int, str]]:
    entries = [json.loads(line) for line in (folder / BAD_ROWS_FILE).read_text("utf-8").splitlines()]
    return [(entry["file"], entry["line"], entry["kind"]) for entry in entries]


@pytest.mark.parametrize("history", [("1,3", "2,4"), ("", "")], ids=["history", "no history"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_breaks_a_rule(kind: str, history: tuple[str, str]) -> None:
    assert not is_accepted(KINDS[kind]([*GOOD[:7], *history, GOOD[9]]))


def test_the_row_that_is_spoiled_is_good_itself() -> None:
    assert is_accepted(b'1,100001,0,1,3,"1,2","1:0.5000,2:0.5000","1,3","2,4",4')


def test_without_the_bad_rows_the_files_are_the_clean_ones(folders: tuple[Path, Path, Path]) -> None:
    clean, dirty, truth = folders
    bad = {(file, line) for file, line, _ in _truth(truth)}
    for path in sorted(dirty.rglob("*.csv")):
        name = path.relative_to(dirty).as_posix()
        lines = path.read_bytes().split(b"\n")
        kept = [line for number, line in enumerate(lines, start=1) if (name, number) not in bad]
        assert b"\n".join(kept) == (clean / name).read_bytes()


def test_truth_names_every_row_that_the_reader_refuses(folders: tuple[Path, Path, Path]) -> None:
    _, dirty, truth = folders
    refused = set()
    for path in dirty.rglob("*.csv"):
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            if number > 1 and not is_accepted(line):
                refused.add((path.relative_to(dirty).as_posix(), number))
    told = _truth(truth)
    assert {(file, line) for file, line, _ in told} == refused
    assert len(told) == len(refused)
    assert {kind for _, _, kind in told} == set(KINDS)
    assert len({file for file, _, _ in told}) == 3


def test_share_counts_bad_rows_per_good_row(tmp_path: Path) -> None:
    result = synthesize(SynthesisConfig(rows=20_000, bad_share=0.05), tmp_path)
    assert sum(result.bad_rows.values()) == pytest.approx(1000, abs=130)
    assert result.rows == 20_000
    assert max(result.bad_rows.values()) - min(result.bad_rows.values()) <= 1


def test_command_tells_how_many_and_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--out", str(tmp_path / "out"), "--rows", "2000"]
    assert main([*arguments, "--bad-share", "0.1"]) == 0
    truth = tmp_path / "out.truth" / BAD_ROWS_FILE
    assert f"bad rows     {len(_truth(truth.parent))} of {len(KINDS)} kinds, told in {truth}" in capsys.readouterr().out
    assert main(arguments) == 0
    assert not truth.exists()


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_share_is_checked(share: float) -> None:
    with pytest.raises(ValueError, match=r"`bad_share` must lie between 0 and 1\. Received: "):
        SynthesisConfig(bad_share=share)
