"""A client of the ranking service, TensorFlow Serving or the embedded server, over gRPC or REST. Imports no TensorFlow."""

from serving.client.errors import (
    DeadlineExceededError,
    InvalidRequestError,
    InvalidResponseError,
    ModelNotFoundError,
    RankingError,
    RequestRefusedError,
    ServerError,
    ServerOverloadedError,
    ServerUnavailableError,
)
from serving.client.ranking import Attended, Explanation, RankedItem, Ranking
from serving.client.ranking_client import RankingClient
from serving.client.ranking_log import log_line
from serving.client.transport import TLS

__all__ = [
    "TLS",
    "Attended",
    "DeadlineExceededError",
    "Explanation",
    "InvalidRequestError",
    "InvalidResponseError",
    "ModelNotFoundError",
    "RankedItem",
    "Ranking",
    "RankingClient",
    "RankingError",
    "RequestRefusedError",
    "ServerError",
    "ServerOverloadedError",
    "ServerUnavailableError",
    "log_line",
]
