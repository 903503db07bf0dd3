"""One run of a pipeline at a time: a lease in the metadata store.

Two runs at once would train twice, and the run of an older day could publish its model over that of a newer day, because it
looked for later models before there was one. A run takes the pipeline's lease with its first step, renews it while it works,
and gives it back with its last. A run that is gone without giving it back loses it when it has not been renewed for a while.

Kubeflow's "Retry" of a failed run repeats its failed steps under the same id, and not the report, which has given the lease
back: the first of these steps takes the lease again, and each is told, for it to do at the end what the report would
(kubeflow/retried.py).

Leases are contexts of ML Metadata, numbered by pipeline. Their names are unique, so that of two runs that ask for the same
number one gets it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import logging
import threading
import time
from collections.abc import Callable, Iterator

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2

TYPE = "pipeline_lease"
_RUN = "run_id"
_RENEWED = "renewed"
_RELEASED = "released"
# A custom property: the type of the leases is that of older releases, whose steps may be at work.
_AGAIN = "again"


class LeaseError(RuntimeError):
    """The run must not go on: another one is at work, or has been since."""


@dataclasses.dataclass(frozen=True)
class Lease:
    """A lease that a run holds, or held.

    Args:
        number: Counts the pipeline's leases from 1.
        run_id: The run.
        renewed: When it was last renewed, in seconds since 1970.
        released: Whether the run has given it back.
        again: Whether the run has taken it again after that.
    """

    number: int
    run_id: str
    renewed: int
    released: bool
    again: bool = False


class Leases:
    """The leases of one pipeline.

    Args:
        store: The metadata store.
        pipeline: The pipeline's name.
        seconds: How long a lease lasts without being renewed.
        now: The clock, in seconds since 1970.
    """

    def __init__(
        self, store: mlmd.MetadataStore, pipeline: str, seconds: float, now: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._seconds = seconds
        self._now = now
        self._type_id = store.put_context_type(
            metadata_store_pb2.ContextType(
                name=TYPE,
                properties={
                    _RUN: metadata_store_pb2.STRING,
                    _RENEWED: metadata_store_pb2.INT,
                    _RELEASED: metadata_store_pb2.INT,
                },
            )
        )

    def acquire(self, run_id: str) -> Lease:
        """Takes the lease for a run, or renews it if the run holds it. Returns it.

        Raises:
            LeaseError: Another run holds it, or has held it since this run did.
        """
        while True:
            leases = self._all()
            latest = leases[-1] if leases else None
            if latest is not None and latest.run_id != run_id:
                self._refuse(run_id, leases)
            lease = Lease(latest.number + 1 if latest is not None else 1, run_id, int(self._now()), False)
            if latest is not None and latest.run_id == run_id:
                again = latest.again or latest.released
                lease = dataclasses.replace(latest, renewed=int(self._now()), released=False, again=again)
            with contextlib.suppress(mlmd.errors.AlreadyExistsError):
                self._put(lease)
                return lease

    def release(self, run_id: str) -> None:
        """Gives the lease back, if the run holds it."""
        leases = self._all()
        if leases and leases[-1].run_id == run_id:
            self._put(dataclasses.replace(leases[-1], released=True))

    def _refuse(self, run_id: str, leases: list[Lease]) -> None:
        latest = leases[-1]
        expires = latest.renewed + self._seconds
        if not latest.released and expires > self._now():
            until = datetime.datetime.fromtimestamp(expires, datetime.UTC)
            raise LeaseError(
                f"Only one run of {self._pipeline} may be at work. Received: run {run_id}, while run {latest.run_id} is. "
                f"Start it again later; if that run is gone, after {until:%Y-%m-%d %H:%M:%S} UTC."
            )
        if any(lease.run_id == run_id for lease in leases):
            raise LeaseError(
                f"A run must not go on after another one: what it has resolved is out of date. Received: run {run_id} of "
                f"{self._pipeline}, after run {latest.run_id}. Start a new run; what is done comes from the cache."
            )

    def _all(self) -> list[Lease]:
        prefix = f"{self._pipeline}."
        leases = [
            Lease(
                int(context.name.removeprefix(prefix)),
                context.properties[_RUN].string_value,
                context.properties[_RENEWED].int_value,
                bool(context.properties[_RELEASED].int_value),
                bool(context.custom_properties[_AGAIN].int_value),
            )
            for context in self._store.get_contexts_by_type(TYPE)
            if context.name.startswith(prefix)
        ]
        return sorted(leases, key=lambda lease: lease.number)

    def _put(self, lease: Lease) -> None:
        name = f"{self._pipeline}.{lease.number}"
        context = metadata_store_pb2.Context(type_id=self._type_id, name=name)
        existing = self._store.get_context_by_type_and_name(TYPE, name)
        if existing is not None and existing.properties[_RUN].string_value == lease.run_id:
            context.id = existing.id
        context.properties[_RUN].string_value = lease.run_id
        context.properties[_RENEWED].int_value = lease.renewed
        context.properties[_RELEASED].int_value = int(lease.released)
        context.custom_properties[_AGAIN].int_value = int(lease.again)
        self._store.put_contexts([context])


@contextlib.contextmanager
def renewed(open_leases: Callable[[], Leases], run_id: str, seconds: float) -> Iterator[None]:
    """Renews a run's lease every `seconds` while the block runs.

    Args:
        open_leases: Opens the leases; called in another thread, since a metadata store serves one thread.
        run_id: The run, which holds the lease.
        seconds: The time between two renewals.
    """
    stopped = threading.Event()

    def work() -> None:
        while not stopped.wait(seconds):
            try:
                open_leases().acquire(run_id)
            except Exception:
                # The step goes on: the next one finds out whether the lease is lost.
                logging.getLogger(__name__).exception("The lease could not be renewed.")

    thread = threading.Thread(target=work, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
