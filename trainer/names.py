"""What the variables of a model are called in files that outlive a process."""

from __future__ import annotations

import collections
import re
from collections.abc import Sequence
from typing import Any

_NUMBERED = re.compile(r"_[0-9]+(?=/|$)")


def variable_names(variables: Sequence[Any]) -> list[str]:
    """The names of a model's variables: the same whatever number Keras has put behind a layer's name in this process."""
    seen: collections.Counter[str] = collections.Counter()
    names = []
    for path in (_NUMBERED.sub("", variable.path) for variable in variables):
        names.append(f"{path} {seen[path]}")
        seen[path] += 1
    return names
