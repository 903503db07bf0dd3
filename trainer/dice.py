"""Dice, the data-adaptive activation of the Deep Interest Network."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from trainer.types import Shape, Tensor


class FoldedDice(NamedTuple):
    """Dice in inference, with its statistics moved into the linear layers before and after it.

        f(s) = output_scale (z + shift) (tanh(z) + slope),    z = input_scale s + input_shift

    The two scales and `input_shift` belong into those layers' weights; what is left are four passes over the values
    instead of seven. All are float tensors `[channels]`.
    """

    input_scale: Tensor
    input_shift: Tensor
    shift: Tensor
    slope: Tensor
    output_scale: Tensor

    def __call__(self, inputs: Tensor) -> Tensor:
        """Computes `(z + shift) (tanh(z) + slope)`, float tensor `[..., channels]`, of `z`."""
        return (inputs + self.shift) * (ops.tanh(inputs) + self.slope)


@keras.saving.register_keras_serializable(package="community_din")
class Dice(keras.layers.Layer):
    """Data-adaptive activation: a PReLU whose rectifying point follows the mean of its input.

        f(s) = p(s) * s + (1 - p(s)) * alpha * s,    p(s) = sigmoid((s - mean[s]) / sqrt(variance[s] + epsilon))

    One mean, variance and `alpha` per channel (the last axis). In training, mean and variance are those of the batch,
    over the unmasked positions only, and move the moving statistics; in inference the moving statistics are used. A
    batch without any unmasked position uses the moving statistics and leaves them alone. Statistics are computed in
    float32 at least.

    Args:
        momentum: float. The share of the moving statistics that an update keeps. Defaults to `0.9`, so that a hundred
            steps are enough to forget the initial values.
        epsilon: float. Added to the variance. Defaults to `1e-8`, as in the paper.
        alpha_initializer: The initializer of `alpha`. Defaults to `"zeros"`.

    Example:

    >>> Dice()(keras.random.normal((8, 4))).shape
    TensorShape([8, 4])

    References:
        - [Zhou et al., 2018](https://arxiv.org/abs/1706.06978), equation 3
    """

    def __init__(
        self, momentum: float = 0.9, epsilon: float = 1e-8, alpha_initializer: Any = "zeros", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= momentum < 1:
            raise ValueError(f"`momentum` must be in [0, 1). Received: {momentum!r}.")
        if not epsilon > 0:
            raise ValueError(f"`epsilon` must be positive. Received: {epsilon!r}.")
        self.momentum = momentum
        self.epsilon = epsilon
        self.alpha_initializer = keras.initializers.get(alpha_initializer)
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        channels = (input_shape[-1],)
        self.alpha = self.add_weight(name="alpha", shape=channels, initializer=self.alpha_initializer)
        self.moving_mean = self.add_weight(
            name="moving_mean", shape=channels, initializer="zeros", trainable=False, autocast=False
        )
        self.moving_variance = self.add_weight(
            name="moving_variance", shape=channels, initializer="ones", trainable=False, autocast=False
        )

    def call(self, inputs: Tensor, mask: Tensor | None = None, training: bool | None = None) -> Tensor:
        """Activates.

        Args:
            inputs: float tensor of shape `[..., channels]`.
            mask: bool tensor that broadcasts to `inputs.shape[:-1]`: the positions that count for the statistics.
                Defaults to all.
            training: bool. Whether the batch's statistics are used, and the moving ones updated.

        Returns:
            A tensor of `inputs`' shape and dtype.
        """
        values = ops.cast(inputs, self.moving_mean.dtype)
        mean, variance = self.moving_mean.value, self.moving_variance.value
        if training:
            mean, variance = self._batch_statistics(values, mask)
        probability = ops.sigmoid((values - mean) * ops.rsqrt(variance + self.epsilon))
        probability, alpha = ops.cast(probability, inputs.dtype), ops.cast(self.alpha, inputs.dtype)
        return inputs * (alpha + (1 - alpha) * probability)

    def folded(self) -> FoldedDice:
        """The layer in inference, to be merged with the linear layers around it."""
        # sigmoid(2 z) = (1 + tanh(z)) / 2
        scale = ops.rsqrt(self.moving_variance.value + self.epsilon) / 2
        shift = self.moving_mean.value * scale
        alpha = ops.cast(self.alpha.value, scale.dtype)
        # With alpha = 1, Dice is the identity, and the slope infinite; this is as good as rounding.
        smallest = float(np.finfo(self.compute_dtype).eps)
        share = (1 - alpha) / 2
        share = ops.where(ops.abs(share) < smallest, smallest, share)
        folded = FoldedDice(scale, -shift, shift, (1 + alpha) / 2 / share, share / scale)
        return FoldedDice(*(ops.cast(value, self.compute_dtype) for value in folded))

    def _batch_statistics(self, values: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        valid = ops.ones_like(values[..., :1])
        if mask is not None:
            valid = valid * ops.cast(mask, values.dtype)[..., None]
        axes = tuple(range(len(values.shape) - 1))
        count = ops.sum(valid)
        some = count > 0
        divisor = ops.where(some, count, 1)
        mean = ops.sum(values * valid, axis=axes) / divisor
        variance = ops.sum(ops.square(values - mean) * valid, axis=axes) / divisor
        mean = ops.where(some, mean, self.moving_mean.value)
        variance = ops.where(some, variance, self.moving_variance.value)
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving.value * self.momentum + ops.stop_gradient(batch) * (1 - self.momentum))
        return mean, variance

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "alpha_initializer": keras.initializers.serialize(self.alpha_initializer),
        }
