"""data/README.md says what the declaration says, and data/sample is what README.md says."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path

import pytest

from data import csv_files
from data.synthesize import command as synthesize
from data.synthesize.bad_rows import KINDS
from data.synthesize.drift import DRIFT_KINDS
from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR
from transform.features import DECLARATION

ROOT = Path(__file__).parents[2]
README = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
ARTICLE = ROOT / "tests" / "fixtures" / "article.csv"
SAMPLE = sorted((ROOT / "data" / "sample").glob("*.csv"))
SEPARATORS = {
    "list": f"`{LIST_SEPARATOR}`",
    "history": f"`{LIST_SEPARATOR}`",
    "weighted_list": f"`{LIST_SEPARATOR}` `{WEIGHT_SEPARATOR}`",
}


def _table(heading: str = "## The columns") -> list[list[str]]:
    """The rows, whose first cell is code, of the tables between a heading and the next one."""
    section = README.split(f"\n{heading}\n")[1].split("\n#")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_column_table_equals_declaration() -> None:
    declared = [
        [
            f"`{column.name}`",
            column.kind,
            "yes" if column.required else "no",
            column.side or "-",
            DECLARATION.vocabulary_of(column.name) if column.side else "-",
            str(column.max_length or "-"),
            SEPARATORS.get(column.kind, "-"),
        ]
        for column in DECLARATION.columns
    ]
    assert [[row[0], *row[2:8]] for row in _table()] == declared


def test_column_table_gives_every_column_a_meaning_and_the_articles_first_row() -> None:
    with ARTICLE.open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    assert {row[0].strip("`"): row[8].strip("`") for row in _table()} == first
    assert all(row[1] for row in _table())


def test_article_fixture_has_ten_rows_of_the_declared_columns() -> None:
    with ARTICLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    assert all(set(row) == set(csv_files.HEADER) and all(row.values()) for row in rows)


def test_sample_headers_equal_declaration() -> None:
    assert len(SAMPLE) == 3
    for path in SAMPLE:
        with path.open(encoding="utf-8", newline="") as file:
            assert tuple(next(csv.reader(file))) == csv_files.HEADER


def test_sample_is_small_and_holds_nothing_else() -> None:
    assert sorted((ROOT / "data" / "sample").iterdir()) == SAMPLE
    assert all(path.stat().st_size < 2**20 for path in SAMPLE)


def test_readme_command_writes_the_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (command,) = [line for line in README.splitlines() if "data.synthesize --out data/sample" in line]
    arguments = shlex.split(command)[3:]
    arguments[arguments.index("--out") + 1] = str(tmp_path / "sample")
    arguments[arguments.index("--truth") + 1] = str(tmp_path / "truth")
    assert synthesize.main(arguments) == 0
    assert [path.read_bytes() for path in SAMPLE] == [(tmp_path / "sample" / path.name).read_bytes() for path in SAMPLE]
    printed = capsys.readouterr().out
    for name in ("Click rate", "oracle AUC"):
        value = README.split(f"{name} ")[1][:6]
        assert value in printed


@pytest.mark.parametrize("heading", ["## MovieLens", "## MIND, the Microsoft News Dataset"])
def test_converter_says_where_every_column_comes_from(heading: str) -> None:
    names = [name.strip("` ") for row in _table(heading) for name in row[0].split(",")]
    assert names == list(csv_files.HEADER)


def test_readme_lists_the_kinds_of_bad_rows_and_of_drift() -> None:
    assert [row[0].strip("`") for row in _table("### Bad rows")] == list(KINDS)
    assert [row[0].split("`")[1] for row in _table("### Drift")] == list(DRIFT_KINDS)


def test_documented_bad_row_is_one_of_the_documented_command(tmp_path: Path) -> None:
    (command,) = [line for line in README.splitlines() if "--bad-share 0.002" in line]
    arguments = shlex.split(command)[3:]
    arguments[arguments.index("--out") + 1] = str(tmp_path / "out")
    assert synthesize.main(arguments) == 0
    (told,) = [line.split("`")[1] for line in README.splitlines() if '{"file"' in line]
    assert told in (tmp_path / "out.truth" / "bad-rows.jsonl").read_text("utf-8").splitlines()
