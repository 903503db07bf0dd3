"""Out-of-vocabulary rates: the share of tokens that the vocabularies do not hold."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tfx.dsl.io import fileio

from trainer.input_pipeline import list_files
from transform.declaration import OOV_ID, PADDING_ID, Declaration

OOV_RATES = "oov_rates.json"
_BATCH_ROWS = 1024


@dataclasses.dataclass(frozen=True)
class OovRate:
    """How many of a number of tokens are out of vocabulary."""

    tokens: int
    oov: int

    @property
    def rate(self) -> float:
        """The share, 0 if there are no tokens."""
        return self.oov / self.tokens if self.tokens else 0.0


def measure_oov_rates(
    patterns: Sequence[str], feature_spec: Mapping[str, Any], declaration: Declaration
) -> dict[str, OovRate]:
    """Counts the ids of each column, batch by batch.

    Args:
        patterns: Which gzipped TFRecord files of transformed examples to read.
        feature_spec: Transform's `transformed_feature_spec()`.
        declaration: The declared columns.

    Returns:
        The rate of each column that has a vocabulary, in the order of `vocabulary_of`.

    Raises:
        FileNotFoundError: No file matches.
    """
    columns = list(vocabulary_of(declaration))
    if not columns:
        return {}
    records = tf.data.TFRecordDataset(list_files(patterns), compression_type="GZIP")

    def count(serialized: tf.Tensor) -> tf.Tensor:
        parsed = tf.io.parse_example(serialized, {column: feature_spec[column] for column in columns})
        ids = [_flat(parsed[column]) for column in columns]
        return tf.stack(
            [tf.stack([tf.math.count_nonzero(flat != PADDING_ID), tf.math.count_nonzero(flat == OOV_ID)]) for flat in ids]
        )

    totals = np.zeros((len(columns), 2), np.int64)
    for counts in records.batch(_BATCH_ROWS).map(count, num_parallel_calls=tf.data.AUTOTUNE).as_numpy_iterator():
        totals += counts
    return {column: OovRate(int(tokens), int(oov)) for column, (tokens, oov) in zip(columns, totals, strict=True)}


def vocabulary_of(declaration: Declaration) -> dict[str, str]:
    """The vocabulary of each column that is looked up in one: the candidate's first, since it is they that are ranked."""
    found = {column: vocabulary for vocabulary, columns in declaration.looked_up.items() for column in columns}
    sides = {column.name: column.side for column in declaration.columns}
    return dict(sorted(found.items(), key=lambda item: sides[item[0]] != "item"))


def by_vocabulary(columns: Mapping[str, OovRate], declaration: Declaration) -> dict[str, OovRate]:
    """The rates of the vocabularies, over all columns that share them."""
    return {
        vocabulary: OovRate(sum(columns[name].tokens for name in names), sum(columns[name].oov for name in names))
        for vocabulary, names in declaration.looked_up.items()
    }


def write_oov_rates(uri: str, columns: Mapping[str, OovRate], declaration: Declaration) -> None:
    """Writes the counts and rates of columns and vocabularies into the folder `uri`."""
    values = {
        "vocabularies": {name: _values(rate) for name, rate in by_vocabulary(columns, declaration).items()},
        "columns": {name: _values(rate) for name, rate in columns.items()},
    }
    with fileio.open(os.path.join(uri, OOV_RATES), "w") as file:
        file.write(json.dumps(values, indent=1))


def read_oov_rates(uri: str) -> dict[str, float]:
    """The out-of-vocabulary rate of each column, from the folder `uri` of a VocabularyCoverage artifact."""
    with fileio.open(os.path.join(uri, OOV_RATES)) as file:
        return {name: values["rate"] for name, values in json.loads(file.read())["columns"].items()}


def _values(rate: OovRate) -> dict[str, float]:
    return dataclasses.asdict(rate) | {"rate": rate.rate}


def _flat(values: Any) -> tf.Tensor:
    return values.flat_values if isinstance(values, tf.RaggedTensor) else values
