"""What both ways of calling the server offer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from serving.client.errors import InvalidResponseError

Strings = Sequence[str] | Sequence[Sequence[str]]


class Arrays(dict[str, NDArray[Any]]):
    """Outputs by name. `version` is the model's that has answered, where the server tells: over gRPC."""

    version: int | None = None


@dataclasses.dataclass(frozen=True)
class TLS:
    """Files of an encrypted connection, PEM.

    Args:
        authorities: str. Certificates of the authorities to trust. Defaults to `None`, the system's (REST) or gRPC's own.
        certificate: str. This client's certificate, for a server that asks for one. Defaults to `None`.
        key: str. The certificate's private key. Defaults to `None`.

    Raises:
        ValueError: One of `certificate` and `key` is given without the other.
    """

    authorities: str | None = None
    certificate: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError(
                f"`certificate` and `key` must be given together. Received: {self.certificate!r}, {self.key!r}."
            )


class Transport(Protocol):
    """One attempt at a Predict request. Safe to use from several threads."""

    def predict(
        self, signature: str, inputs: Mapping[str, Strings], outputs: Sequence[str], timeout: float, label: str | None = None
    ) -> Arrays:
        """Calls a signature.

        Args:
            signature: The signature's name.
            inputs: Strings [B] or [B, K] by input name.
            outputs: The names of the outputs that the answer must have. No filter is sent: TensorFlow Serving would not
                batch a request for some of the outputs with requests for all.
            timeout: Seconds until it is given up.
            label: The label of the version to ask. Defaults to `None`: the transport's version, or the latest one served.

        Returns:
            The outputs by name: float32, or object arrays of str.

        Raises:
            ServerError: The server refused, or could not be reached in time.
            InvalidResponseError: The answer lacks an output, or cannot be read.
        """
        ...

    def close(self) -> None:
        """Closes the connections."""
        ...


def chosen(arrays: Arrays, outputs: Sequence[str]) -> Arrays:
    """The wanted outputs. Raises InvalidResponseError if one is missing."""
    missing = [name for name in outputs if name not in arrays]
    if missing:
        raise InvalidResponseError(f"The answer must have the outputs {list(outputs)}. Received: {sorted(arrays)}.")
    found = Arrays({name: np.asarray(arrays[name]) for name in outputs})
    found.version = arrays.version
    return found
