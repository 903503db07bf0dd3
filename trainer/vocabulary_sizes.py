"""How large the model's tables must be."""

from __future__ import annotations

import tensorflow_transform as tft

from transform.declaration import Declaration


def vocabulary_sizes(transform_output: tft.TFTransformOutput, declaration: Declaration) -> dict[str, int]:
    """How many tokens, or hash buckets, each of the declaration's vocabularies has, without the special ids."""
    sizes = {name: declaration.hash_buckets_of(name) for name in declaration.vocabularies}
    return {name: size or transform_output.vocabulary_size_by_name(name) for name, size in sizes.items()}
