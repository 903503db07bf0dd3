"""A share of the users is ranked for by the version that is labelled `canary`."""

from __future__ import annotations

import contextlib
import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import RunConfig
from pipeline.labels import LOCAL_FILE, Served, read_served, write_served
from serving.client import ModelNotFoundError, RankingClient, RequestRefusedError
from serving.server.process import RunningServer, start
from tests.serving.support import MODEL, VERSION

EXAMPLES = Path(__file__).parents[2] / "serving" / "examples"
USER = json.loads((EXAMPLES / "user.json").read_text())
with (EXAMPLES / "candidates.csv").open() as file:
    CANDIDATES: list[dict[str, Any]] = list(csv.DictReader(file))


def config_in(folder: Path) -> RunConfig:
    return RunConfig(data_root=str(folder), state_root=str(folder))


def test_a_new_label_names_its_version_at_once() -> None:
    served = Served().pointed("stable", 1).pointed("canary", 2)
    assert served == Served((1, 2), {"stable": 1, "canary": 2})


def test_a_label_moves_only_to_a_version_that_servers_were_told_of_before() -> None:
    served = Served((1, 2), {"stable": 1, "canary": 2})
    told = served.pointed("canary", 3)
    assert told == Served((1, 2, 3), {"stable": 1, "canary": 2})
    assert told.pointed("canary", 3) == Served((1, 3), {"stable": 1, "canary": 3})
    assert served.pointed("stable", 2).without("canary") == Served((2,), {"stable": 2})


def test_what_servers_are_told_is_read_again(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    (tmp_path / "serving").mkdir()
    assert read_served(config.serving_root) == Served()
    served = Served((1, 2), {"stable": 1, "canary": 2})
    write_served(config, served)
    assert read_served(config.serving_root) == served
    assert f'base_path: "{config.serving_root}"' in (tmp_path / "serving" / LOCAL_FILE).read_text()
    assert 'base_path: "/models/community-din"' in (tmp_path / "serving" / "models.config").read_text()


def test_a_share_of_the_users_keeps_to_the_canary() -> None:
    keys = [f"client {number}" for number in range(2000)]

    def canaries(share: float) -> set[str]:
        with RankingClient("localhost:1", version_label="stable", canary_share=share) as client:
            assert client.label_of(None) == "stable"
            return {key for key in keys if client.label_of(key) == "canary"}

    assert canaries(0.0) == set()
    assert canaries(0.1) == canaries(0.1) < canaries(0.3) < canaries(1.0) == set(keys)
    assert 120 <= len(canaries(0.1)) <= 280


@pytest.mark.parametrize(
    "settings",
    [{"canary_share": 0.1}, {"version_label": "stable", "canary_share": 1.1}, {"version": 1, "version_label": "stable"}],
)
def test_labels_that_contradict_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Received: "):
        RankingClient("localhost:1", **settings)


@pytest.fixture(scope="module")
def labelled(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, RunConfig]]:
    """A server of three versions, of which 1 is stable and 2 is the canary."""
    folder = tmp_path_factory.mktemp("labelled")
    config = config_in(folder)
    base = Path(config.serving_root)
    base.mkdir(parents=True)
    for number in (1, 2, 3):
        (base / str(number)).symlink_to(models / MODEL / str(VERSION))
    write_served(config, Served().pointed("stable", 1).pointed("canary", 2))
    flags = ("--model_config_file_poll_wait_seconds=1", "--allow_version_labels_for_unavailable_models=true")
    with start(f"--model_config_file={base.parent / LOCAL_FILE}", *flags) as server:
        yield server, config


def test_labels_choose_who_answers_and_move_in_two_steps(labelled: tuple[RunningServer, RunConfig]) -> None:
    server, config = labelled

    def asked(key: str | None, share: float = 1.0) -> int | None:
        """The version that has answered; None while the one that is asked for loads."""
        with (
            RankingClient(server.grpc_address, deadline=60, version_label="stable", canary_share=share) as client,
            contextlib.suppress(ModelNotFoundError),
        ):
            return client.rank(USER, CANDIDATES, key).version
        return None

    def wait_for(version: int, key: str | None) -> None:
        while asked(key) != version:
            time.sleep(0.05)

    wait_for(2, "a user")
    wait_for(1, None)
    assert (asked(None), asked("a user", share=0.0)) == (1, 1)
    with RankingClient(server.rest_url, transport="rest", deadline=60, version_label="canary") as client:
        assert len(client.rank(USER, CANDIDATES).items) == len(CANDIDATES)
    with (
        RankingClient(server.grpc_address, deadline=60, version_label="none") as client,
        pytest.raises(RequestRefusedError, match="Unrecognized servable version label"),
    ):
        client.rank(USER, CANDIDATES)
    write_served(config, read_served(config.serving_root).pointed("canary", 3))
    with RankingClient(server.grpc_address, deadline=60, attempts=1, version=3) as client:
        found: int | None = None
        while found is None:
            with contextlib.suppress(ModelNotFoundError):
                found = client.rank(USER, CANDIDATES).version
            time.sleep(0.05)
    assert found == 3
    assert asked("a user") == 2
    write_served(config, read_served(config.serving_root).pointed("canary", 3))
    wait_for(3, "a user")
    assert asked(None) == 1
    write_served(config, read_served(config.serving_root).pointed("stable", 3).without("canary"))
    wait_for(3, None)
