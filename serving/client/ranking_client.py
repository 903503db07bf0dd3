"""Ranks a user's candidates on a model server, in one call."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal

import numpy as np
import tenacity
from numpy.typing import NDArray

from serving.client.cells import Request, Row, request_inputs
from serving.client.errors import InvalidResponseError, ServerOverloadedError, ServerUnavailableError
from serving.client.ranking import Explanation, Ranking
from serving.client.transport import TLS, Arrays, Strings, Transport
from transform.bounds import MAX_CANDIDATES, MAX_SCORES
from transform.declaration import Declaration
from transform.features import DECLARATION

MODEL_NAME = "community-din"
TRANSPORTS = ("grpc", "rest")
CANARY = "canary"
_SCORE = "score"
_FIRST_WAIT = 0.05
_LONGEST_WAIT = 1.0


class RankingClient:
    """A connection to a model server, kept open between calls. Safe to use from several threads.

    A request that finds no server, or an overloaded one, is sent again after a random wait that doubles from attempt to
    attempt; ranking changes nothing on the server, so that this is safe.

    Args:
        target: str. `host:port` of the server's gRPC port, or of its REST port with `transport="rest"`. Where the host has
            several addresses, gRPC requests go to all of them in turn.
        model_name: str. The model. Defaults to `"community-din"`.
        version: int. The model's version. Defaults to `None`, the latest one served.
        version_label: str. The label of the version to ask, such as `stable`. Defaults to `None`, by `version`.
        canary_share: float. The share of the users, by their `key`, whom the version labelled `canary` ranks for; always the
            same ones. Needs `version_label` for the others. Defaults to `0.0`.
        transport: str. `grpc` or `rest`. Defaults to `"grpc"`.
        deadline: float. Seconds that a call may take in all, attempts and waits together. Defaults to `5.0`.
        attempts: int. How often a call is tried at most. Defaults to `3`.
        tls: TLS. Files for an encrypted connection. Defaults to `None`, plain text.
        declaration: Declaration. The features the model was exported with. Defaults to the project's.
        max_candidates: int. The most candidates of a user that the model ranks. Defaults to the export's own default.
        max_scores: int. The most scores of a request, users times candidates. Defaults to the export's own default.

    Raises:
        ValueError: A setting cannot be used; the message names it.

    Example:
        with RankingClient("localhost:8500") as client:
            for item in client.rank(user, candidates).items:
                print(item.index, item.score)
    """

    def __init__(
        self,
        target: str,
        model_name: str = MODEL_NAME,
        version: int | None = None,
        version_label: str | None = None,
        canary_share: float = 0.0,
        transport: Literal["grpc", "rest"] = "grpc",
        deadline: float = 5.0,
        attempts: int = 3,
        tls: TLS | None = None,
        declaration: Declaration = DECLARATION,
        max_candidates: int = MAX_CANDIDATES,
        max_scores: int = MAX_SCORES,
    ) -> None:
        if transport not in TRANSPORTS:
            raise ValueError(f"`transport` must be one of {TRANSPORTS}. Received: {transport!r}.")
        if not deadline > 0:
            raise ValueError(f"`deadline` must be positive. Received: {deadline!r}.")
        if attempts < 1:
            raise ValueError(f"`attempts` must be positive. Received: {attempts!r}.")
        if not target or not model_name:
            raise ValueError(f"`target` and `model_name` must not be empty. Received: {target!r}, {model_name!r}.")
        if version is not None and version_label is not None:
            raise ValueError(
                f"`version` and `version_label` must not be given together. Received: {version!r}, {version_label!r}."
            )
        if not 0 <= canary_share <= 1 or (canary_share and version_label is None):
            raise ValueError(
                f"`canary_share` must be from 0 to 1, and with it `version_label` be given. Received: {canary_share!r}, "
                f"{version_label!r}."
            )
        self._label, self._canary_share = version_label, canary_share
        self._declaration = declaration
        self._bounds = (max_candidates, max_scores)
        self._deadline = deadline
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((ServerUnavailableError, ServerOverloadedError)),
            wait=tenacity.wait_random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT),
            stop=tenacity.stop_after_attempt(attempts) | tenacity.stop_before_delay(deadline),
            reraise=True,
        )
        self._transport = _transport(transport, target, model_name, version, tls)

    def __enter__(self) -> RankingClient:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def rank(self, user: Row, candidates: Sequence[Row], key: str | None = None) -> Ranking:
        """Scores a user's candidates.

        Args:
            user: The user side's columns; see `serving.client.cells`.
            candidates: The item side's columns of each candidate. None make an empty ranking, without a request.
            key: What the user is known by, which tells whether the canary ranks. Defaults to `None`: it does not.

        Raises:
            InvalidRequestError: A value breaks a rule of the declaration; nothing was sent.
            ServerError: The server did not answer with scores; see `serving.client.errors` for the kinds.
            InvalidResponseError: The server answered something that is not a ranking.
        """
        return self.rank_many([(user, candidates)], key)[0]

    def rank_many(self, requests: Sequence[Request], key: str | None = None) -> list[Ranking]:
        """Scores several users' candidates in one call; see `rank`. The users may have different numbers of candidates.

        One version ranks for all of them: that of the one `key`.
        """
        counts = [len(candidates) for _, candidates in requests]
        inputs = request_inputs(requests, self._declaration, *self._bounds)
        if not any(counts):
            return [Ranking((), np.zeros(0, np.float32)) for _ in requests]
        answer = self._call("rank", inputs, [_SCORE], self.label_of(key))
        scores = _scores(answer, counts)
        return [
            Ranking(tuple(candidates), row[: len(candidates)], version=answer.version)
            for (_, candidates), row in zip(requests, scores, strict=True)
        ]

    def label_of(self, key: str | None) -> str | None:
        """The label of the version that ranks for a user; None without labels. A growing share keeps whom it had."""
        if key is None or not self._canary_share:
            return self._label
        place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
        return CANARY if place < self._canary_share else self._label

    def explain(self, user: Row, candidates: Sequence[Row], key: str | None = None) -> Explanation:
        """Scores a user's candidates, and tells what each saw in the user's histories; see `rank`."""
        histories = self._declaration.histories
        inputs = request_inputs([(user, candidates)], self._declaration, *self._bounds)
        if not candidates:
            return Explanation((), np.zeros(0, np.float32), {}, {})
        outputs = [_SCORE, *(_attention(h.name) for h in histories), *(_tokens(c) for h in histories for c in h.columns)]
        answer = self._call("explain", inputs, outputs, self.label_of(key))
        scores = _scores(answer, [len(candidates)])[0][: len(candidates)]
        attention, tokens = {}, {}
        for history in histories:
            entries = {column: _first(answer, _tokens(column), 2) for column in history.columns}
            tokens[history.name] = {column: tuple(values.tolist()) for column, values in entries.items()}
            weights = _first(answer, _attention(history.name), 3)[: len(candidates)]
            lengths = {len(values) for values in entries.values()}
            if {weights.shape} != {(len(candidates), length) for length in lengths}:
                raise InvalidResponseError(
                    f"History {history.name!r} must have a weight for each candidate and entry. Received: weights of shape "
                    f"{weights.shape} for {sorted(lengths)} entries."
                )
            attention[history.name] = weights
        return Explanation(tuple(candidates), scores, attention, tokens, version=answer.version)

    def _call(self, signature: str, inputs: Mapping[str, Strings], outputs: Sequence[str], label: str | None) -> Arrays:
        end = time.monotonic() + self._deadline
        return self._retrying.copy()(
            lambda: self._transport.predict(signature, inputs, outputs, max(end - time.monotonic(), 0.001), label)
        )


def _transport(kind: str, target: str, model_name: str, version: int | None, tls: TLS | None) -> Transport:
    if kind == "rest":
        from serving.client.rest_transport import RestTransport

        return RestTransport(target, model_name, version, tls)
    from serving.client.grpc_transport import GrpcTransport

    return GrpcTransport(target, model_name, version, tls)


def _attention(history: str) -> str:
    return f"attention_{history}"


def _tokens(column: str) -> str:
    return f"tokens_{column}"


def _scores(answer: Arrays, counts: Sequence[int]) -> NDArray[np.float32]:
    """The scores [B, K], K being at least the longest count: the server may have padded further to batch."""
    scores = answer[_SCORE]
    if scores.ndim != 2 or scores.shape[0] != len(counts) or scores.shape[1] < max(counts) or scores.dtype != np.float32:
        raise InvalidResponseError(
            f"`{_SCORE}` must be float32 [{len(counts)}, {max(counts)}]. Received: {scores.dtype} {list(scores.shape)}."
        )
    for row, count in zip(scores, counts, strict=True):
        if not np.isfinite(row[:count]).all():
            raise InvalidResponseError(f"`{_SCORE}` must be finite. Received: {row[:count].tolist()}.")
    return scores


def _first(answer: Arrays, name: str, rank: int) -> NDArray[Any]:
    """The only user's part of an output."""
    array = answer[name]
    if array.ndim != rank or len(array) != 1:
        raise InvalidResponseError(f"`{name}` must have {rank} dimensions, the first 1. Received: {list(array.shape)}.")
    return array[0]
