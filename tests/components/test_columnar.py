"""The columnar path against the strict one, which defines the rules: the same rows, the same rejections."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.example_gen.blocks import ChangedFileError, read_blocks
from components.example_gen.columnar import BlockReader
from components.example_gen.header import read_header
from components.example_gen.reader import RowReader
from components.example_gen.rules import RowError
from components.example_gen.settings import IngestionSettings
from data.synthesize.synthesis import SynthesisConfig, synthesize
from transform.features import DECLARATION

NAMES = [column.name for column in DECLARATION.columns]
HEADER = ",".join([*NAMES[3:], "extra", *NAMES[:3]]).encode() + b"\n"
GOOD = [
    b'1,177,"225,158","1:0.4074,177:0.1","225,158","1,4",3,x,1,14,0',
    b'0,1,,,,,"a""b","say ""hi""",0,15,"1"\r',
    b"1,2,3,4:1e3,5,6,7,,1,8,9",
    '1,2,3,4:1.,5,6,"é 客",,1,8,9'.encode(),
]
BOUNDS = IngestionSettings(max_row_bytes=90, max_list_length=3)
CHOSEN = [b",", b"\t", b'"', b'""', b'","', b"\r", b"\r\n", b"\n", b" ", b"\v", b":", b"0", b"1", b"0.5", b"nan", b"-1"]
CHOSEN += [b"1e999", b"\0", b"\xff", b"\xc3", "é".encode(), b"\xc2\xa0", b"\xef\xbb\xbf", b"x" * 80, b"1,2,3,4", b"", b"\\"]

Verdicts = tuple[list[tuple[int, dict[str, str]]], list[tuple[int, str]], int]


@st.composite
def damaged_rows(draw: st.DrawFn) -> bytes:
    """A good row in which a few places are cut out or overwritten."""
    row = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(row)))
        row = row[:start] + draw(st.sampled_from(CHOSEN)) + row[start + draw(st.integers(0, 4)) :]
    return row


@st.composite
def assembled_rows(draw: st.DrawFn) -> bytes:
    """Cells of all sorts, in about the right number."""
    cells = st.lists(st.sampled_from([*CHOSEN, b"1", b"2,3", b'"2,3"', b"1:0.5"]), min_size=9, max_size=13)
    return b",".join(draw(cells))


LINES = st.one_of(
    st.sampled_from(GOOD),
    damaged_rows(),
    assembled_rows(),
    st.binary(max_size=40),
    st.lists(st.sampled_from(CHOSEN)).map(b"".join),
)
FILES = st.tuples(st.lists(LINES, max_size=12).map(b"\n".join), st.sampled_from([b"", b"\n"])).map(b"".join)


def strict(data: bytes, header: bytes = HEADER, delimiter: str = ",") -> Verdicts:
    reader = RowReader(read_header(header, delimiter, DECLARATION), DECLARATION, BOUNDS)
    lines = data.split(b"\n")
    lines = lines if lines[-1] else lines[:-1]
    accepted, rejected, blank = [], [], 0
    for number, (line, follower) in enumerate(zip(lines, [*lines[1:], b""], strict=False)):
        try:
            row = reader.read(line, follower)
        except RowError as error:
            rejected.append((number, error.rule.id))
            continue
        if row is None:
            blank += 1
        else:
            accepted.append((number, row))
    return accepted, rejected, blank


def columnar(
    data: bytes, block_bytes: int, starts: Sequence[int] = (0,), header: bytes = HEADER, delimiter: str = ","
) -> Verdicts:
    """Reads the file in ranges that begin at `starts`, each in blocks of `block_bytes`."""
    reader = BlockReader(read_header(header, delimiter, DECLARATION), DECLARATION, BOUNDS)
    accepted, rejected, blank, first_line = [], [], 0, 0
    bounds = [len(header) + start for start in (*starts, len(data))]
    for start, end in itertools.pairwise(bounds):
        lines = 0
        for block in read_blocks(io.BytesIO(header + data), start, end, BOUNDS.max_row_bytes, block_bytes):
            checked = reader.read(block)
            assert len(checked.rows) + len(checked.rejected) + checked.blank == block.lines
            accepted += [
                (first_line + number, row)
                for number, row in zip(checked.lines.tolist(), checked.rows.to_pylist(), strict=True)
            ]
            rejected += [(first_line + number, error.rule.id) for number, error in checked.rejected]
            blank += checked.blank
            lines = block.line + block.lines
        first_line += lines
    return accepted, rejected, blank


def starts(data: bytes, range_bytes: int | None) -> Sequence[int]:
    """Where ranges of `range_bytes` begin; None: one range."""
    return range(0, len(data), range_bytes or len(data) or 1) or [0]


@pytest.mark.slow
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILES, st.integers(1, 100) | st.none(), st.integers(1, 300), st.sampled_from([",", "\t"]))
def test_both_paths_agree_on_any_bytes_ranges_and_delimiters(
    data: bytes, range_bytes: int | None, block_bytes: int, delimiter: str
) -> None:
    header, data = (text.replace(b",", delimiter.encode()) for text in (HEADER, data))
    assert columnar(data, block_bytes, starts(data, range_bytes), header, delimiter) == strict(data, header, delimiter)


# The next two are the same for fewer files, quickly.
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILES, st.integers(1, 100), st.integers(1, 300))
def test_ranges_that_adjoin_lose_no_line_and_share_none(data: bytes, range_bytes: int, block_bytes: int) -> None:
    assert columnar(data, block_bytes, starts(data, range_bytes)) == strict(data)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILES)
def test_both_paths_agree_on_tab_separated_bytes(data: bytes) -> None:
    header, data = HEADER.replace(b",", b"\t"), data.replace(b",", b"\t")
    assert columnar(data, 1 << 20, header=header, delimiter="\t") == strict(data, header, "\t")


@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
@pytest.mark.parametrize(
    ("data", "accepted", "rules"),
    [
        (b"\xef\xbb\xbf" + GOOD[0], [0], []),
        (b'1,2,3,"4:1,\v:0.5",5,6,7,,1,8,9', [], ["weights"]),
        (b"1,2,3,4:\v0.5,5,6,7,,1,8,9", [], ["weights"]),
        (b"1,2,3,4:1,,6,7,,1,8,9", [], ["aligned-history"]),
        (b'1,2,"1,2,3",4:1,5,6,7,,1,8,9', [0], []),
        (b'1,2,"1,2,3,4",4:1,5,6,7,,1,8,9', [], ["list-length"]),
        (b'1,2,3,4:1,5,6,"7\n\nmore', [], ["quotes", "row-width"]),
        (b'1,2,3,4:1,5,6,"7\nmore', [], ["newline-in-quotes", "row-width"]),
    ],
    ids=[
        "a byte order mark before a row",
        "a weight of a blank id",
        "a vertical tab before a weight",
        "an empty history beside one of one entry",
        "a list of the longest length",
        "a list longer than that",
        "an open quote before a blank line",
        "an open quote before a line that is no row",
    ],
)
def test_both_paths_agree_where_libraries_differ(
    data: bytes, accepted: list[int], rules: list[str], block_bytes: int
) -> None:
    verdicts = columnar(data, block_bytes)
    assert verdicts == strict(data)
    assert [line for line, _ in verdicts[0]] == accepted
    assert [rule for _, rule in verdicts[1]] == rules


def test_the_columnar_path_takes_rows_that_the_generator_of_bytes_calls_good() -> None:
    accepted, rejected, blank = columnar(b"\n".join(GOOD), 1 << 20)
    assert [line for line, _ in accepted] == [0, 1, 2, 3]
    assert (rejected, blank) == ([], 0)
    assert accepted[1][1]["keyword_id"] == 'a"b'


def test_a_good_row_is_not_lost_to_a_bad_neighbour() -> None:
    bad = [b'"', b"\xff", b"\0", b"1,2", b"x" * 1000, GOOD[0] + b'"', b'1,177,"225', b"\r", b"\xef\xbb\xbf" + GOOD[2]]
    lines = [line for one in bad for line in (one, GOOD[0])]
    accepted, rejected, _ = columnar(b"\n".join(lines), 1 << 20)
    assert set(range(1, len(lines), 2)) <= {line for line, _ in accepted}
    assert len(accepted) + len(rejected) == len(lines) - 1  # "\r" is blank


@pytest.mark.slow
def test_a_generated_file_of_100_000_rows_has_no_rejects(tmp_path: Path) -> None:
    (path,) = synthesize(SynthesisConfig(rows=100_000, spans=1), tmp_path).paths
    bounds = IngestionSettings()
    used = 0
    with path.open("rb") as stream:
        header = stream.readline()
        reader = BlockReader(read_header(header, ",", DECLARATION), DECLARATION, bounds)
        for block in read_blocks(stream, len(header), path.stat().st_size, bounds.max_row_bytes):
            checked = reader.read(block)
            assert not checked.rejected
            used += len(checked.rows)
    assert used == 100_000


def test_a_line_longer_than_the_bound_is_not_held_in_memory() -> None:
    data = b"a\n" + b"b" * 10_000 + b"\nc\n"
    blocks = list(read_blocks(io.BytesIO(b"h\n" + data), 2, len(data) + 2, max_row_bytes=100, block_bytes=4))
    assert sum(block.lines for block in blocks) == 3
    assert max(len(block.data) for block in blocks) < 200


def test_a_file_that_has_shrunk_since_it_was_listed_is_an_error() -> None:
    with pytest.raises(ChangedFileError, match="must not change while it is read. Received: an end at byte 6 of 9"):
        list(read_blocks(io.BytesIO(b"h\na\nb\n"), 2, 9, max_row_bytes=100))
