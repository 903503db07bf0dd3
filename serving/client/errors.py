"""What can go wrong with a ranking request, by whose fault it is."""

from __future__ import annotations


class RankingError(Exception):
    """Any failure of a ranking request."""


class InvalidRequestError(RankingError, ValueError):
    """The user or a candidate breaks a rule of the declaration; nothing was sent."""


class ServerError(RankingError):
    """The server did not answer with scores.

    Args:
        code: str. gRPC's name of the status, such as `NOT_FOUND`, also when REST was spoken.
        message: str. The server's words, or the connection's.
        target: str. The server asked.
    """

    def __init__(self, code: str, message: str, target: str) -> None:
        super().__init__(f"{target}: {code}: {message}")
        self.code = code
        self.message = message
        self.target = target


class ServerUnavailableError(ServerError):
    """Nothing listens, the connection broke, or the server is not ready. Retried."""


class ServerOverloadedError(ServerError):
    """The server, or the message size, is at its limit. Retried."""


class DeadlineExceededError(ServerError):
    """No answer before the deadline."""


class ModelNotFoundError(ServerError):
    """The server does not serve this model or version."""


class RequestRefusedError(ServerError):
    """The server refuses the request as it is: the model has other columns, or no such signature."""


class InvalidResponseError(RankingError):
    """The server answered something that is not a ranking."""


_BY_CODE: dict[str, type[ServerError]] = {
    "UNAVAILABLE": ServerUnavailableError,
    "RESOURCE_EXHAUSTED": ServerOverloadedError,
    "DEADLINE_EXCEEDED": DeadlineExceededError,
    "NOT_FOUND": ModelNotFoundError,
    "INVALID_ARGUMENT": RequestRefusedError,
    "FAILED_PRECONDITION": RequestRefusedError,
    "OUT_OF_RANGE": RequestRefusedError,
    "UNIMPLEMENTED": RequestRefusedError,
    "UNAUTHENTICATED": RequestRefusedError,
    "PERMISSION_DENIED": RequestRefusedError,
}


def server_error(code: str, message: str, target: str) -> ServerError:
    """The error of a gRPC status code's name."""
    return _BY_CODE.get(code, ServerError)(code, message, target)
