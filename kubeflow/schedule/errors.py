"""What can go wrong between the command and Kubeflow Pipelines, each with the command's exit status."""

from __future__ import annotations


class ScheduleError(Exception):
    """A request that was not carried out. `exit_status` is the command's."""

    exit_status = 1


class RunFailedError(ScheduleError):
    """A run ended otherwise than SUCCEEDED."""

    exit_status = 1


class UsageError(ScheduleError):
    """An argument that cannot be used: found before the server is asked."""

    exit_status = 2


class UnreachableError(ScheduleError):
    """Nobody answers at the address, or not as Kubeflow Pipelines does."""

    exit_status = 3


class WrongVersionError(ScheduleError):
    """The server speaks another version of the API."""

    exit_status = 4


class AuthenticationError(ScheduleError):
    """The server does not know the caller, or does not let it do this."""

    exit_status = 5


class NotFoundError(ScheduleError):
    """No pipeline, version, experiment or recurring run of that name."""

    exit_status = 6


class RefusedError(ScheduleError):
    """The server understood and refused."""

    exit_status = 7


class WaitTimeoutError(ScheduleError):
    """The run had not ended in time; it goes on."""

    exit_status = 8
