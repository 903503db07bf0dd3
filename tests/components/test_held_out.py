"""Tests of the rows that are held out of training to tell when to stop."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from components.dataset.held_out import hold_out


def write(path: Path, clients: list[str]) -> None:
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for client in clients:
            value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[client.encode()]))
            writer.write(tf.train.Example(features=tf.train.Features(feature={"client_id": value})).SerializeToString())


def read(folder: Path) -> list[str]:
    files = sorted(map(str, folder.iterdir()))
    records = [tf.train.Example.FromString(r.numpy()) for r in tf.data.TFRecordDataset(files, "GZIP")]
    return [record.features.feature["client_id"].bytes_list.value[0].decode() for record in records]


def split(tmp_path: Path, clients: list[str], share: float = 0.2) -> tuple[list[str], list[str]]:
    half = len(clients) // 2
    write(tmp_path / "a.gz", clients[:half])
    write(tmp_path / "b.gz", clients[half:])
    folders = {name: str(tmp_path / name) for name in ("train", "validation")}
    files = [(str(tmp_path / f"{n}.gz"), f"7-train-{n}.gz") for n in "ab"]
    assert hold_out(files, "client_id", share, folders) == len(read(tmp_path / "validation"))
    return read(tmp_path / "train"), read(tmp_path / "validation")


def test_every_row_is_in_one_split_and_a_clients_rows_stay_together(tmp_path: Path) -> None:
    clients = [f"client {i % 500}" for i in range(2000)]
    train, validation = split(tmp_path, clients)
    assert sorted(train + validation) == sorted(clients)
    assert not set(train) & set(validation)
    assert 0.15 < len(set(validation)) / 500 < 0.25


def test_the_same_clients_are_held_out_again(tmp_path: Path) -> None:
    clients = [str(i) for i in range(100)]
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    assert split(tmp_path / "1", clients) == split(tmp_path / "2", clients)


@pytest.mark.parametrize("share", [0.0, 1e-6])
def test_of_two_clients_one_is_held_out(tmp_path: Path, share: float) -> None:
    train, validation = split(tmp_path, ["a", "b", "a", "b"], share)
    assert {len(train), len(validation)} == {2}
    assert set(train) != set(validation)


def test_the_rows_of_a_single_client_train_and_validate(tmp_path: Path) -> None:
    assert split(tmp_path, ["a", "a"]) == (["a", "a"], ["a", "a"])
