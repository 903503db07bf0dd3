"""The example generator on real files: every row is used or accounted for."""

from __future__ import annotations

import collections
import dataclasses
import gzip
import json
import re
from pathlib import Path

import pytest
from tfx.components.example_gen import base_example_gen_executor

from components.example_gen.blocks import ChangedFileError
from components.example_gen.encoding import Splits
from components.example_gen.files import bundle, check_unchanged, read_headers
from components.example_gen.reports import read_dead_letters
from components.example_gen.rules import RULES, InvalidInputError
from components.example_gen.settings import IngestionSettings
from components.example_gen.shards import Shard, WriteShard
from data.synthesize.synthesis import BAD_ROWS_FILE, SynthesisConfig, synthesize
from tests.components.ingestion import BY_USER, HEADER, Ingested, csv_of, ingest, rows
from transform.features import DECLARATION

NAMES = [column.name for column in DECLARATION.columns]
LENIENT = IngestionSettings(max_rejected_share=1.0)
SMALL_RANGES = IngestionSettings(max_rejected_share=1.0, range_bytes=100)
# Lines 2 to 13; what each is rejected by, or None.
LINES: list[tuple[bytes, str | None]] = [
    (b'1,u0,0,1,177,"225,158","1:0.4074,177:0.1217","225,158","1,4",3', None),
    (b'2,u1,0,1,177,"225,158","1:0.4074,177:0.1217","225,158","1,4",3', "label"),
    (b"0,u2,0,1,0,,,,,3", None),
    (b"", None),
    (b"1,u3,0,1,177,,,1,2,3,4", "row-width"),
    (b'1,u4,0,1,177,,,"1,2","3', "newline-in-quotes"),
    (b'4",3', "quotes"),
    (b"1,u5,0,1,177,,,1,2,", "required"),
    (b'0,u6,1,0,178,,"8:0,9:0","1,2","3,4",5', None),
    (b"1,u\xff,0,1,177,,,1,2,3", "utf-8"),
    (b"1,u8,0,1,177,,177,1,2,3", "weights"),
    (b"1,u9,0,1,179,,,1,2,6", None),
]
USED = sum(rule is None and line != b"" for line, rule in LINES)
REJECTED = [(number, rule) for number, (_, rule) in enumerate(LINES, start=2) if rule]
DAMAGED = csv_of([line for line, _ in LINES], HEADER)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files of all kinds."""
    folder = tmp_path_factory.mktemp("source")
    (folder / "plain.csv").write_bytes(DAMAGED)
    (folder / "packed.csv.gz").write_bytes(gzip.compress(DAMAGED))
    (folder / "windows.csv").write_bytes(b"\xef\xbb\xbf" + DAMAGED.replace(b"\n", b"\r\n"))
    (folder / "tabs.tsv").write_bytes(
        csv_of([b"1\tt0\t0\t1\t177\t225,158\t1:0.4\t225,158\t1,4\t3"], HEADER.replace(b",", b"\t"))
    )
    (folder / "tabs.tsv.gz").write_bytes(gzip.compress((folder / "tabs.tsv").read_bytes()))
    (folder / "UPPER.CSV").write_bytes(csv_of(rows(300), b",".join([HEADER, b"note"])).replace(b",5\n", b",5,-\n"))
    (folder / "reordered.csv").write_bytes(
        csv_of([b"3,x,1,r0,0,1,177,,,1,2"], b"keyword_id,extra," + HEADER.rsplit(b",", 1)[0])
    )
    (folder / "no-end.csv").write_bytes(csv_of(rows(2, "n"), HEADER).rstrip(b"\n"))
    (folder / "header-only.csv").write_bytes(HEADER + b"\n")
    (folder / "no-rows.csv").write_bytes(HEADER)
    (folder / "notes.txt").write_text("no data")
    (folder / "_SUCCESS.csv").write_text("")
    (folder / ".partial.csv").write_text("half a fi")
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "2026-01-01"
    elsewhere.write_bytes(csv_of(rows(1, "l"), HEADER))
    (folder / "link.csv").symlink_to(elsewhere)
    (folder / "folder").mkdir()
    return folder


@pytest.fixture(scope="module")
def ingested(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    return ingest(source, tmp_path_factory.mktemp("run") / "examples", LENIENT)


def test_accepted_and_rejected_rows_are_the_rows_read_of_each_file(ingested: Ingested) -> None:
    damaged = (USED + len(REJECTED), USED, len(REJECTED))
    assert ingested.counts == {
        "plain.csv": damaged,
        "packed.csv.gz": damaged,
        "windows.csv": damaged,
        "tabs.tsv": (1, 1, 0),
        "tabs.tsv.gz": (1, 1, 0),
        "UPPER.CSV": (300, 300, 0),
        "reordered.csv": (1, 1, 0),
        "no-end.csv": (2, 2, 0),
        "header-only.csv": (0, 0, 0),
        "no-rows.csv": (0, 0, 0),
        "link.csv": (1, 1, 0),
    }


def test_dead_letters_name_file_line_and_rule(ingested: Ingested) -> None:
    files = ("packed.csv.gz", "plain.csv", "windows.csv")
    assert sorted(ingested.letters) == [(file, line, rule) for file in files for line, rule in REJECTED]
    first = next(read_dead_letters(str(ingested.folder)))
    assert first["text"] == "`act` must be 0 or 1."
    assert first["received"] == "'2'"


def test_the_artifacts_properties_are_the_sums(ingested: Ingested) -> None:
    read, used, rejected = (sum(numbers) for numbers in zip(*ingested.counts.values(), strict=True))
    assert (ingested.number("rows_read"), ingested.number("rows_used"), ingested.number("rows_rejected")) == (
        read,
        used,
        rejected,
    )
    assert read == used + rejected
    assert ingested.number("blank_lines") == 3
    per_rule = {rule.id: ingested.number(f"rejected_{rule.id}") for rule in RULES}
    assert {rule: number for rule, number in per_rule.items() if number} == {rule: 3 for _, rule in REJECTED}


def test_what_is_passed_over_is_named_once(ingested: Ingested) -> None:
    assert ingested.text("ignored_columns") == "'note', 'extra'"
    ignored = [".partial.csv", "_SUCCESS.csv", "notes.txt", "folder"]
    assert [Path(file).name for file in ingested.text("ignored_files").split(", ")] == ignored
    assert [Path(f).name for f in ingested.text("header_only_files").split(", ")] == ["header-only.csv", "no-rows.csv"]


def test_every_used_row_is_one_example_with_its_cells(ingested: Ingested) -> None:
    found = ingested.rows("train") + ingested.rows("eval")
    assert len(found) == ingested.number("rows_used")
    by_user = {row["client_id"]: row for row in found}
    assert by_user["u0"] == dict(
        zip(NAMES, ["1", "u0", "0", "1", "177", "225,158", "1:0.4074,177:0.1217", "225,158", "1,4", "3"], strict=True)
    )
    assert by_user["t0"]["follow_topic_id"] == "225,158"
    assert by_user["r0"]["keyword_id"] == "3"
    assert by_user["v7"]["topic_id"] == "7"


def test_the_split_by_user_is_that_of_stock_example_gens(ingested: Ingested) -> None:
    for index, split in enumerate(("train", "eval")):
        examples = ingested.examples(split)
        assert len(examples) > 30
        for example in examples:
            assert base_example_gen_executor._PartitionFn(example, 2, [4, 5], BY_USER) == index


def test_the_output_is_marked_as_gzipped_examples_and_nothing_else_is_left(ingested: Ingested) -> None:
    assert ingested.text("payload_format") == "FORMAT_TF_EXAMPLE"
    assert ingested.text("file_format") == "tfrecords_gzip"
    names = {re.sub(r"-\d.*", "", path.name) for path in ingested.folder.iterdir()}
    assert names == {"Split-train", "Split-eval", "files", "dead_letters-all"}


def test_byte_ranges_read_the_same_as_whole_files(ingested: Ingested, source: Path, tmp_path: Path) -> None:
    ranged = ingest(source, tmp_path / "examples", SMALL_RANGES)
    assert len(list((ranged.folder / "Split-train").iterdir())) > 50
    assert ranged.counts == ingested.counts
    assert sorted(ranged.letters) == sorted(ingested.letters)
    for split in ("train", "eval"):
        assert sorted(map(str, ranged.rows(split))) == sorted(map(str, ingested.rows(split)))


def test_input_splits_stay_splits(tmp_path: Path) -> None:
    for name, count in (("train", 3), ("eval", 2)):
        (tmp_path / "source" / name).mkdir(parents=True)
        (tmp_path / "source" / name / "day.csv").write_bytes(csv_of(rows(count), HEADER))
    result = ingest(tmp_path / "source", tmp_path / "examples", inputs={"train": "train/*", "eval": "eval/*"})
    assert (len(result.rows("train")), len(result.rows("eval"))) == (3, 2)
    assert result.artifact.split_names == '["train", "eval"]'


def test_an_attempt_that_is_repeated_adds_no_rows(source: Path, tmp_path: Path) -> None:
    files = read_headers([str(source / "plain.csv")], DECLARATION, LENIENT)
    (ranges,) = bundle(list(files.values()), LENIENT.range_bytes)
    (tmp_path / "Split-train").mkdir()
    step = WriteShard(
        DECLARATION, LENIENT, {"all": Splits(("train",))}, str(tmp_path), {"train": str(tmp_path / "Split-train")}
    )
    reports = [report for _ in range(3) for report in step.process(Shard("all-0", "shard.gz", "all", ranges))]
    assert {report.ranges[0].counts.rows_used for report in reports} == {USED}
    assert len(Ingested(None, tmp_path).rows("train")) == USED


def test_a_run_with_too_many_bad_rows_tells_the_top_rules_with_examples_and_keeps_the_dead_letters(
    source: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        ingest(source, tmp_path / "examples", kept=tmp_path / "kept")
    message = str(caught.value)
    assert "At most 1 % of the rows may be rejected. Received: 21 of 339 rows, 6.19469 %." in message
    assert re.search(
        r"  label: 3 rows, such as\n    \S+/packed\.csv\.gz, line 3: `act` must be 0 or 1\. Received: '2'\.\n"
        r"    \S+/plain\.csv, line 3: `act` must be 0 or 1\. Received: '2'\.\n",
        message,
    )
    assert "and 2 more rules" in message
    assert f"All rejected rows: {tmp_path}/kept/dead_letters-*.jsonl" in message
    kept = collections.Counter(letter["rule"] for letter in read_dead_letters(str(tmp_path / "kept")))
    assert kept == {rule: 3 for _, rule in REJECTED}


def test_no_user_data_is_kept_if_the_setting_says_so(source: Path, tmp_path: Path) -> None:
    settings = IngestionSettings(dead_letter_received=0)
    with pytest.raises(InvalidInputError) as caught:
        ingest(source, tmp_path / "examples", settings, kept=tmp_path / "kept")
    assert "line 3: `act` must be 0 or 1.\n" in str(caught.value)
    assert all(set(letter) == {"file", "line", "rule", "text"} for letter in read_dead_letters(str(tmp_path / "kept")))


def test_what_was_received_is_cut_as_the_setting_says(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_bytes(csv_of([*rows(1), b"y" * 5_000_000 + rows(1)[0]], HEADER))
    settings = IngestionSettings(max_rejected_share=0.5, dead_letter_received=10)
    result = ingest(tmp_path, tmp_path / "examples", settings)
    (letter,) = read_dead_letters(str(result.folder))
    assert letter["rule"] == "row-size"
    assert letter["received"].startswith("b'yyyyyyyy... (")
    assert len(letter["received"]) < 50


def test_the_dead_letters_are_the_rows_that_were_planted(tmp_path: Path) -> None:
    config = SynthesisConfig(rows=30_000, spans=1, bad_share=0.02)
    synthesize(config, tmp_path / "source", tmp_path / "truth")
    result = ingest(tmp_path / "source", tmp_path / "examples", LENIENT)
    truth = [json.loads(line) for line in (tmp_path / "truth" / BAD_ROWS_FILE).read_text().splitlines()]
    assert sorted((file, line) for file, line, _ in result.letters) == sorted((x["file"], x["line"]) for x in truth)
    assert result.number("rows_used") == 30_000


def test_what_an_attempt_that_was_cut_off_has_left_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "day.csv").write_bytes(csv_of(rows(3), HEADER))
    first = ingest(tmp_path / "source", tmp_path / "examples")
    left = tmp_path / "examples" / "Split-train" / "data_tfrecord-00001-of-00002.gz"
    left.write_bytes((tmp_path / "examples" / "Split-train" / "data_tfrecord-00000-of-00001.gz").read_bytes())
    again = ingest(tmp_path / "source", tmp_path / "examples")
    assert again.counts == first.counts
    assert len(again.rows("train")) + len(again.rows("eval")) == 3


def test_a_file_that_has_grown_since_its_header_was_read_is_an_error(source: Path) -> None:
    (file,) = read_headers([str(source / "plain.csv")], DECLARATION, LENIENT).values()
    with pytest.raises(ChangedFileError, match=r"must not change while it is read\. Received: \d+ bytes, 1 before\."):
        check_unchanged(dataclasses.replace(file, size=1))


def test_a_folder_whose_name_looks_like_a_pattern_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "[logs] *?"
    folder.mkdir()
    (folder / "day.csv").write_bytes(csv_of(rows(3), HEADER))
    assert ingest(folder, tmp_path / "examples").counts == {"day.csv": (3, 3, 0)}
