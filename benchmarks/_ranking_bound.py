"""The least that ranking can cost: its matrix products at the machine's own rate."""

from __future__ import annotations

import itertools
import time

import tensorflow as tf

from trainer.hyperparameters import Hyperparameters
from trainer.inputs import vector_features
from transform.declaration import Declaration

SIZE = 1024  # of the matrices that are multiplied; large enough to reach the machine's rate


def gemm_flops(declaration: Declaration, hyperparameters: Hyperparameters, candidates: int) -> int:
    """The floating point operations of the matrix products that rank `candidates` for a user with full histories.

    The attention's first layer is counted in its folded form, the user's part of the DNN's first layer once.
    """
    dim = hyperparameters.embedding_dim
    attention = hyperparameters.attention_hidden_units
    dnn = hyperparameters.dnn_hidden_units
    products = 0
    item_width = dim * len(vector_features(declaration, "item"))
    for history in declaration.histories:
        width, length = dim * len(history.queries), history.max_length
        products += length * width * attention[0] + candidates * length * width * attention[0]
        products += candidates * length * sum(a * b for a, b in itertools.pairwise((*attention, 1)))
        products += candidates * length * width  # the weighted sum of the keys
        item_width += width
    products += dim * len(vector_features(declaration, "user")) * dnn[0] + candidates * item_width * dnn[0]
    products += candidates * sum(a * b for a, b in itertools.pairwise((*dnn, 1)))
    return 2 * products


def matmul_rate(seconds: float = 1.0) -> float:
    """TensorFlow's float32 rate in this process, in floating point operations per second of CPU time."""
    matrix = tf.random.normal((SIZE, SIZE))
    multiply = tf.function(tf.matmul)
    multiply(matrix, matrix)
    start, count = time.process_time(), 0
    while time.process_time() - start < seconds:
        multiply(matrix, matrix).numpy()
        count += 1
    return 2 * SIZE**3 * count / (time.process_time() - start)
