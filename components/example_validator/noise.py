"""What two samples of one distribution differ by. It is added to the bounds, so that only more than chance breaks them."""

from __future__ import annotations

import math

# Standard deviations of a normal distribution: exceeded once in ten thousand times. A run compares some 40 pairs.
_DEVIATIONS = 3.7
# However few users there are: a bound that nothing could break would be no bound.
_MOST = 0.5


def divergence_noise(groups: int, size: float, other_size: float) -> float:
    """The Jensen-Shannon divergence, in bits, that two samples of one distribution hardly exceed.

    To the second order 8 ln 2 JSD / (1/n + 1/m) is Pearson's statistic, chi-squared with `groups - 1` degrees of freedom.
    Its quantile is that of Wilson and Hilferty.

    Args:
        groups: The number of groups that values are counted in.
        size: The number of independent values of one sample.
        other_size: The same of the other.
    """
    freedom = max(groups - 1, 1)
    spread = 2.0 / (9.0 * freedom)
    chi_squared = freedom * (1.0 - spread + _DEVIATIONS * math.sqrt(spread)) ** 3
    return min(_MOST, chi_squared * (1.0 / size + 1.0 / other_size) / (8.0 * math.log(2.0)))


def share_noise(share: float, size: float, other_size: float) -> float:
    """How far two samples' shares of a value hardly lie apart if its true share is `share`."""
    return min(_MOST, _DEVIATIONS * math.sqrt(share * (1.0 - share) * (1.0 / size + 1.0 / other_size)))
