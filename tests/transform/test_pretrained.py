"""Tables of given vectors: how they are written, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from transform import pretrained
from transform.declaration import Pretrained
from transform.pretrained import TableError, read_table, table_path

TOKENS, VECTORS = ["1", "the second"], [[0.25, -1.5], [1e-3, 2.0]]


def feature(path: Path) -> Pretrained:
    return Pretrained("vectors", column="topic_id", table=str(path))


def test_a_csv_and_an_npz_hold_the_same(tmp_path: Path) -> None:
    text, archive = tmp_path / "table.csv", tmp_path / "table.npz"
    text.write_text(
        '\ufefftoken,x,y\r\n1,0.25,-1.5\r\n "the second" ,1e-3, 2\r\n'.replace(' "the second" ', '" the second"')
    )
    np.savez(archive, tokens=np.array(TOKENS), vectors=np.array(VECTORS))
    for path in (text, archive):
        table = read_table(feature(path))
        assert table.tokens == tuple(TOKENS)
        np.testing.assert_array_equal(table.vectors, np.array(VECTORS, np.float32))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "A table must have a vector of at least one number. Received: shape"),
        ("token\n1\n", "A table must have a vector of at least one number. Received: shape"),
        ("token,x\n", "A table must have a vector of at least one number. Received: shape"),
        ("token,x\n1,2\n2,3,4\n", "line 3: A row must have 2 cells, as the header has. Received: ['2', '3', '4']."),
        ("token,x\n1,nan\n", "line 2: A vector must hold finite numbers. Received: 'nan'."),
        ("token,x\n1,\n", "line 2: A vector must hold finite numbers. Received: ''."),
        ("token,x\n1,1\n 1,2\n", "line 3: A token must not be empty, and must stand there once. Received: ' 1'."),
        ("token,x\n,1\n", "line 2: A token must not be empty, and must stand there once. Received: ''."),
        ('token,x\n"1,1\n', "A table must be CSV in UTF-8. Received: "),
    ],
)
def test_a_csv_that_is_no_table_is_refused_by_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(TableError) as caught:
        read_table(feature(path))
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"tokens": np.array(TOKENS)}, "A table must hold the arrays `tokens` and `vectors`. Received: "),
        ({"tokens": np.array(TOKENS, object), "vectors": np.ones((2, 2))}, "A table must hold the arrays"),
        ({"tokens": np.array([1, 2]), "vectors": np.ones((2, 2))}, "must be strings [N], and `vectors` floats [N, D]"),
        ({"tokens": np.array(TOKENS), "vectors": np.ones((3, 2))}, "Received: <U10 (2,), float64 (3, 2)."),
        (
            {"tokens": np.array(TOKENS), "vectors": np.array([[1.0], [np.inf]])},
            "entry 1: A vector must hold finite numbers.",
        ),
        ({"tokens": np.array(["1", "1"]), "vectors": np.ones((2, 1))}, "entry 1: A token must not be empty, and must stand"),
    ],
)
def test_an_npz_that_is_no_table_is_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    path = tmp_path / "table.npz"
    np.savez(path, **arrays)
    with pytest.raises(TableError) as caught:
        read_table(feature(path))
    assert message in str(caught.value)


def test_a_table_is_named_relative_to_the_folder_of_tables_and_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Path(pretrained.__file__).with_name("tables") == pretrained.TABLES
    monkeypatch.setattr(pretrained, "TABLES", tmp_path)
    (tmp_path / "table.csv").touch()
    assert table_path(Pretrained("v", "c", "table.csv")) == tmp_path / "table.csv"
    with pytest.raises(TableError, match="`table` of feature 'v' must be a file in .* Received: 'no.csv'."):
        table_path(Pretrained("v", "c", "no.csv"))
    path = tmp_path / "table.txt"
    path.touch()
    with pytest.raises(TableError, match="The name of a table must end in one of .* Received: 'table.txt'."):
        read_table(feature(path))
