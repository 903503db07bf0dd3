"""Of two runs at once, one goes on."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2

from kubeflow.lease import LeaseError, Leases, renewed
from kubeflow.store import connection_from_environment, open_store
from tests.kubeflow.postgres import Server
from tests.kubeflow.test_postgresql_store import environment


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def leases(tmp_path: Path, clock: Clock) -> Leases:
    return Leases(mlmd.MetadataStore(sqlite(tmp_path)), "a-pipeline", 100, clock)


def sqlite(folder: Path) -> metadata_store_pb2.ConnectionConfig:
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(folder / "metadata.sqlite")
    connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return connection


def test_a_run_keeps_its_lease_over_all_its_steps(leases: Leases) -> None:
    leases.acquire("one")
    leases.acquire("one")


def test_a_second_run_is_refused_while_the_first_is_at_work(leases: Leases, clock: Clock) -> None:
    leases.acquire("one")
    clock.now += 99
    with pytest.raises(LeaseError, match=r"Only one run of a-pipeline may be at work. Received: run two, while run one is"):
        leases.acquire("two")
    leases.acquire("one")
    clock.now += 99
    with pytest.raises(LeaseError, match="1970-01-12 13:49:59 UTC"):
        leases.acquire("two")


def test_a_run_that_has_ended_makes_room(leases: Leases) -> None:
    leases.acquire("one")
    leases.release("one")
    leases.acquire("two")
    leases.release("one")
    with pytest.raises(LeaseError):
        leases.acquire("three")


def test_a_failed_run_that_is_repeated_takes_its_lease_again(leases: Leases) -> None:
    leases.acquire("one")
    leases.release("one")
    leases.acquire("one")
    with pytest.raises(LeaseError):
        leases.acquire("two")


def test_a_run_that_is_started_again_after_its_report_is_told_so_in_all_its_steps(leases: Leases) -> None:
    assert [leases.acquire("one").again for _ in range(2)] == [False, False]
    leases.release("one")
    assert [leases.acquire("one").again for _ in range(2)] == [True, True]
    leases.release("one")
    assert not leases.acquire("two").again


def test_the_leases_of_older_releases_are_read(tmp_path: Path) -> None:
    """What an older release has put, and what it puts while this one is at work: their types must be the same."""
    store = mlmd.MetadataStore(sqlite(tmp_path))
    Leases(store, "a-pipeline", 100).acquire("one")
    names = dict.fromkeys(("run_id",), metadata_store_pb2.STRING)
    names |= dict.fromkeys(("renewed", "released"), metadata_store_pb2.INT)
    store.put_context_type(metadata_store_pb2.ContextType(name="pipeline_lease", properties=names))
    context = metadata_store_pb2.Context(type_id=store.get_context_type("pipeline_lease").id, name="old.1")
    context.properties["run_id"].string_value = "two"
    context.properties["renewed"].int_value = int(time.time())
    context.properties["released"].int_value = 1
    store.put_contexts([context])
    assert Leases(store, "old", 100).acquire("two").again


def test_a_silent_run_loses_its_lease_and_must_not_go_on(leases: Leases, clock: Clock) -> None:
    leases.acquire("one")
    clock.now += 101
    leases.acquire("two")
    with pytest.raises(LeaseError, match="Received: run one, while run two is"):
        leases.acquire("one")
    leases.release("two")
    with pytest.raises(LeaseError, match="A run must not go on after another one"):
        leases.acquire("one")


def test_pipelines_do_not_wait_for_each_other(tmp_path: Path) -> None:
    for pipeline in ("a-pipeline", "a-pipeline-2", "a"):
        Leases(mlmd.MetadataStore(sqlite(tmp_path)), pipeline, 100).acquire(f"run of {pipeline}")


def test_of_runs_that_start_together_one_gets_the_lease(database: Server) -> None:
    connection = connection_from_environment(environment(database))
    runs = [f"run-{number}" for number in range(4)]
    barrier = threading.Barrier(2 * len(runs))

    def step(run_id: str) -> str | None:
        leases = Leases(open_store(connection), "together", 100)
        barrier.wait()
        try:
            leases.acquire(run_id)
        except LeaseError:
            return None
        return run_id

    with ThreadPoolExecutor(2 * len(runs)) as pool:
        # Each run starts with two steps.
        holders = [run_id for run_id in pool.map(step, runs * 2) if run_id]
    assert len(set(holders)) == 1
    assert len(holders) == 2


def test_a_lease_is_renewed_while_a_step_works(database: Server, clock: Clock) -> None:
    connection = connection_from_environment(environment(database))

    def open_leases() -> Leases:
        return Leases(open_store(connection), "renewed", 100, clock)

    leases = open_leases()
    leases.acquire("one")
    with renewed(open_leases, "one", 0.05):
        # The lease as it was taken would be over after the second of these moves of the clock.
        for until in ("13:49:20", "13:50:20", "13:51:20"):
            clock.now += 60
            deadline = time.monotonic() + 120
            while f"after 1970-01-12 {until} UTC" not in refusal(leases, "two"):
                assert time.monotonic() < deadline
                time.sleep(0.05)


def refusal(leases: Leases, run_id: str) -> str:
    with pytest.raises(LeaseError) as error:
        leases.acquire(run_id)
    return str(error.value)
