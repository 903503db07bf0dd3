"""Raw rows as requests of every signature, and the scores that each must answer with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from transform.declaration import Declaration
from transform.schema import raw_feature_spec

EXAMPLES = "examples"
ROWS = ("serve_examples", "serving_default")
RANKINGS = ("rank", "explain")
TRANSFORM = "transform_features"
SIGNATURES = (*ROWS, *RANKINGS, TRANSFORM)
# The candidates of a user in the requests that are compared.
CANDIDATES = 4

Inputs = Mapping[str, NDArray[np.object_]]


@dataclasses.dataclass(frozen=True)
class Request:
    """One call of a signature.

    Args:
        signature: The signature.
        inputs: Strings, [B] or [B, K], by name.
        pairs: Which rows each score is of: the user's and the candidate's, int [B] or [B, K] each. None if the signature
            answers no scores.
    """

    signature: str
    inputs: Inputs
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]] | None


class RawRows:
    """Raw rows, as examples and as columns.

    Args:
        records: Serialized examples.
        declaration: The declared features.
    """

    def __init__(self, records: Sequence[bytes], declaration: Declaration) -> None:
        self.records = np.array(records, dtype=object)
        self._declaration = declaration
        parsed = tf.io.parse_example(tf.constant(records), raw_feature_spec(declaration, serving=True))
        self._columns: dict[str, NDArray[np.object_]] = {name: cells.numpy() for name, cells in parsed.items()}

    def __len__(self) -> int:
        return len(self.records)

    def requests(self, most: int) -> Iterator[Request]:
        """All rows, by every signature, in requests of at most `most` scores."""
        whole = np.arange(len(self))
        for rows in _parts(whole, most):
            examples = {EXAMPLES: self.records[rows]}
            columns = {name: cells[rows] for name, cells in self._columns.items()}
            for signature, inputs in zip(ROWS, (examples, columns), strict=True):
                yield Request(signature, inputs, (rows, rows))
            yield Request(TRANSFORM, examples, None)
        width = min(CANDIDATES, most)
        for users in _parts(whole, most // width):
            for signature in RANKINGS:
                yield self.ranking(signature, users, width)

    def ranking(self, signature: str, users: NDArray[np.int64], width: int) -> Request:
        """Ranks for the users of some rows the items of their own and of the next rows."""
        items = (users[:, None] + np.arange(width)) % len(self)
        inputs = {name: self._columns[name][users] for name in self._declaration.side_columns("user")}
        inputs |= {name: self._columns[name][items] for name in self._declaration.side_columns("item")}
        return Request(signature, inputs, (np.broadcast_to(users[:, None], items.shape), items))

    def examples_of(self, users: NDArray[np.int64], items: NDArray[np.int64]) -> list[bytes]:
        """Serialized examples of the users of some rows with the items of others."""
        sides = dict.fromkeys(self._declaration.side_columns("user"), users)
        sides |= dict.fromkeys(self._declaration.side_columns("item"), items)
        found = []
        for place in range(len(users)):
            example = tf.train.Example()
            for name, rows in sides.items():
                example.features.feature[name].bytes_list.value.append(self._columns[name][rows[place]])
            found.append(example.SerializeToString())
        return found


def _parts(rows: NDArray[np.int64], most: int) -> list[NDArray[np.int64]]:
    return [rows[start : start + most] for start in range(0, len(rows), most)]
