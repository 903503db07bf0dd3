"""Which versions load, stay and go; on real SavedModels in folders that change."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorflow.core.protobuf import config_pb2

from serving.server.errors import ServingError
from serving.server.loading import Loader
from serving.server.manager import Manager
from serving.server.metrics import Metrics
from serving.server.version import AVAILABLE, END, LoadPolicy
from tests.serving.server import models
from tests.serving.server.served import Served, message, spec


@pytest.fixture
def stubborn(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path, retries=100)
    yield served
    served.manager.stop()


def test_the_latest_version_serves_and_a_newer_one_takes_its_place(served: Served, half_plus_two: Path) -> None:
    for number in (1, 2):
        models.copy_version(half_plus_two, served.root / str(number))
    served.configure()
    assert served.available() == [2]
    models.copy_version(half_plus_two, served.root / "0010")
    served.wait_for(lambda: served.available() == [10])
    served.wait_for(lambda: served.state(2) == END)
    assert message(served.core, spec(version={"value": 2})) == "NOT_FOUND: Servable not found for request: Specific(m, 2)"
    with served.core.servable(spec()) as servable:
        assert servable.version == 10


def test_folders_without_a_number_and_files_are_no_versions(served: Served, half_plus_two: Path) -> None:
    models.copy_version(half_plus_two, served.root / "3")
    models.copy_version(half_plus_two, served.root / "tmp-4")
    (served.root / "5").write_text("a file")
    (served.root / ("9" * 20)).mkdir()
    served.configure("all {}")
    assert served.available() == [3]


def test_a_folder_without_a_saved_model_is_no_version(served: Served, half_plus_two: Path) -> None:
    """What a killed publisher left behind neither drives out the version before it nor keeps servers waiting."""
    models.copy_version(half_plus_two, served.root / "1")
    (served.root / "2").mkdir()
    (served.root / "3" / "variables").mkdir(parents=True)
    served.configure()
    assert served.available() == [1]
    assert [version.number for version in served.manager.versions("m")] == [1]
    shutil.copytree(half_plus_two, served.root / "2", dirs_exist_ok=True)
    served.wait_for(lambda: served.available() == [2])


def test_folders_of_any_name_leave_the_manager_alive(served: Served, half_plus_two: Path) -> None:
    models.copy_version(half_plus_two, served.root / "1")
    served.configure()
    for name in (b"\xff\xfe", b"2\n", "\u0663".encode(), b"-4", b"5 ", b" 6", b"1e9", b"0x7", b"9" * 19, b"a" * 255):
        odd = os.fsencode(served.root) + b"/" + name
        os.mkdir(odd)
        Path(os.fsdecode(odd), "saved_model.pb").touch()
    time.sleep(0.3)
    assert served.available() == [1]
    models.copy_version(half_plus_two, served.root / "8")
    served.wait_for(lambda: served.available() == [8])


def test_who_waits_hears_of_it_when_the_manager_dies(tmp_path: Path) -> None:
    died = threading.Event()
    manager = Manager(Loader(("serve",), config_pb2.ConfigProto(), 1, Metrics()), LoadPolicy(poll_seconds=0.05), died.set)
    manager.start()
    manager.set_models({"m": None})
    with pytest.raises(ServingError, match="Gave up waiting for m"):
        manager.wait_until_available(["m"], lambda: False)
    assert died.wait(10)
    manager.stop()


def test_a_version_that_cannot_load_ends_and_the_old_one_serves_on(served: Served, half_plus_two: Path) -> None:
    models.copy_version(half_plus_two, served.root / "1")
    served.configure()
    broken = models.copy_version(half_plus_two, served.root.parent / "broken")
    (broken / "saved_model.pb").write_bytes(b"\xff" * 100)
    broken.rename(served.root / "2")
    served.wait_for(lambda: len(served.manager.versions("m")) == 2 and served.state(2) == END)
    newest = served.manager.versions("m")[0]
    assert newest.error is not None
    assert "cannot be loaded" in newest.error.message
    assert served.available() == [1]
    models.copy_version(half_plus_two, served.root / "3")
    served.wait_for(lambda: served.available() == [3])


def test_a_version_that_cannot_load_yet_is_tried_again(stubborn: Served, half_plus_two: Path) -> None:
    models.copy_version(half_plus_two, stubborn.root / "1")
    stubborn.configure()
    (stubborn.root / "2").mkdir()
    (stubborn.root / "2" / "saved_model.pb").write_bytes(b"\xff" * 100)
    stubborn.wait_for(lambda: stubborn.manager.versions("m")[0].attempts > 1)
    assert stubborn.available() == [1]
    for file in half_plus_two.iterdir():
        if file.name != "saved_model.pb":
            shutil.copytree(file, stubborn.root / "2" / file.name) if file.is_dir() else shutil.copy(
                file, stubborn.root / "2"
            )
    shutil.copy(half_plus_two / "saved_model.pb", stubborn.root / "2")
    stubborn.wait_for(lambda: stubborn.available() == [2])


def test_a_request_keeps_its_version_until_it_is_done(served: Served, half_plus_two: Path) -> None:
    models.copy_version(half_plus_two, served.root / "1")
    served.configure()
    with served.core.servable(spec()) as servable:
        models.copy_version(half_plus_two, served.root / "2")
        served.wait_for(lambda: served.available() == [2])
        assert served.state(1) != END
        output = servable.model.signatures["serving_default"].outputs["y"].name
        feed = servable.model.signatures["serving_default"].inputs["x"].name
        array = np.array([2.0], np.float32)
        assert servable.model.run({feed: array}, [output])[output].tolist() == [3.0]
    served.wait_for(lambda: served.state(1) == END)


def test_a_version_that_left_can_come_back(served: Served, half_plus_two: Path) -> None:
    models.copy_version(half_plus_two, served.root / "1")
    served.configure()
    (served.root / "1").rename(served.root / "away")
    served.wait_for(lambda: served.available() == [] and served.state(1) == END)
    assert message(served.core, spec()) == "NOT_FOUND: Servable not found for request: Latest(m)"
    (served.root / "away").rename(served.root / "1")
    served.wait_for(lambda: served.available() == [1])


def test_a_base_path_that_vanishes_leaves_what_serves(served: Served, half_plus_two: Path, tmp_path: Path) -> None:
    served.root = tmp_path / "base"
    models.copy_version(half_plus_two, served.root / "1")
    served.configure()
    served.root.rename(tmp_path / "elsewhere")
    time.sleep(0.3)
    assert served.available() == [1]


def test_warm_up_records_are_replayed(served: Served, half_plus_two: Path, caplog: pytest.LogCaptureFixture) -> None:
    version = models.copy_version(half_plus_two, served.root.parent / "warm")
    words = [["red"], ["green"]]
    models.add_warmup(version, models.predict_request([1.0, 2.0], signature_name="names", words=words))
    version.rename(served.root / "1")
    with caplog.at_level(logging.INFO):
        served.configure()
    assert served.available() == [1]
    said = [record.getMessage() for record in caplog.records]
    replayed = next(index for index, text in enumerate(said) if text.startswith("Replayed 1 warm-up records"))
    assert replayed < said.index("Successfully loaded servable version {name: m version: 1}")


@pytest.mark.parametrize(
    ("records", "text"),
    [
        ([models.predict_request([1.0], signature_name="no_such")], "not found"),
        ([models.predict_request([1.0], signature_name="names", words=[["red"]])] * 1001, "exceeds the maximum (1000)"),
    ],
)
def test_a_warm_up_that_fails_keeps_the_version_out(
    served: Served, half_plus_two: Path, records: list[Any], text: str
) -> None:
    version = models.copy_version(half_plus_two, served.root.parent / "cold")
    models.add_warmup(version, *records)
    version.rename(served.root / "1")
    with pytest.raises(ServingError) as caught:
        served.configure()
    assert text in caught.value.message
    assert served.state(1) == END
    assert served.state(1) != AVAILABLE
