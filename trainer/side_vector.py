"""What the DNN sees of a side's categories, lists, given vectors and numbers: one vector a row."""

from __future__ import annotations

from collections.abc import Mapping

from keras import ops

from trainer.embeddings import TokenEmbedding, pool_ids
from trainer.inputs import numeric_names, pretrained_features, vector_features
from trainer.types import Tensor
from transform.declaration import Category, Declaration, Pooling, Side, Tokens, WeightedList, weight_name


class SideVector:
    """Concatenates a side's features: embeddings, pooled over lists; given vectors, in the same way; and numbers.

    Args:
        declaration: Declaration. The features.
        side: str. `"user"` or `"item"`.
        tables: mapping of str to TokenEmbedding. The embeddings of each vocabulary.
        pretrained: mapping of str to TokenEmbedding. The given vectors of each `Pretrained` feature.
    """

    def __init__(
        self,
        declaration: Declaration,
        side: Side,
        tables: Mapping[str, TokenEmbedding],
        pretrained: Mapping[str, TokenEmbedding],
    ) -> None:
        self._numbers = numeric_names(declaration, side)
        # The table, the name of its ids, the column that they come from, and how a list is pooled.
        self._parts: list[tuple[TokenEmbedding, str, Tokens, Pooling]] = []
        for feature in vector_features(declaration, side):
            pooling = "mean" if isinstance(feature, Category) else feature.pooling
            self._parts.append((tables[declaration.vocabulary_of(feature.name)], feature.name, feature, pooling))
        for given in pretrained_features(declaration, side):
            column = declaration.tokens_of(given.column)
            self._parts.append((pretrained[given.name], given.name, column, given.pooling))

    @property
    def width(self) -> int:
        """The width of the vector; 0 if the side has no such feature."""
        return sum(table.output_dim for table, *_ in self._parts) + len(self._numbers)

    def __call__(self, features: Mapping[str, Tensor], training: bool | None = None) -> Tensor:
        """Float tensor `[..., width]` of the side's tensors, `[...]` or, of a list, `[..., length]`; see `pool_ids`."""
        vectors = []
        for table, name, column, pooling in self._parts:
            if isinstance(column, Category):
                vectors.append(table(features[name]))
                continue
            weights = features[weight_name(column.name)] if isinstance(column, WeightedList) else None
            vectors.append(pool_ids(table, features[name], pooling, weights, training))
        vectors += [ops.expand_dims(features[name], axis=-1) for name in self._numbers]
        return ops.concatenate([ops.cast(vector, vectors[0].dtype) for vector in vectors], axis=-1)
