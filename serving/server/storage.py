"""Which versions a base path holds, and which of them a policy asks for."""

from __future__ import annotations

import re
from typing import Any

import tensorflow as tf

from serving.server.errors import from_tensorflow, invalid_argument

_NUMBER = re.compile(r"[0-9]{1,19}")
_LARGEST = 2**63 - 1


def aspired_versions(name: str, base_path: str, policy: Any) -> dict[int, str]:
    """Lists the versions to serve.

    Args:
        name: of the model.
        base_path: folder whose sub-folders with numeric names are versions.
        policy: a ServableVersionPolicy: latest (1 unless it says more), all, or specific.

    Returns:
        Paths by version number.

    Raises:
        ServingError: the base path cannot be read. What is served then stays as it is.
    """
    try:
        if not tf.io.gfile.isdir(base_path):
            raise invalid_argument(f"Could not find base path {base_path} for servable {name}")
        found = _found(base_path)
    except tf.errors.OpError as error:
        raise from_tensorflow(error) from error
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return found
    if choice == "specific":
        return {number: found[number] for number in policy.specific.versions if number in found}
    newest = sorted(found)[-max(policy.latest.num_versions, 1) :]
    return {number: found[number] for number in newest}


def missing_versions(policy: Any, aspired: dict[int, str]) -> list[int]:
    """Versions that a specific policy names and the base path does not hold."""
    return sorted(set(policy.specific.versions) - set(aspired))


def _found(base_path: str) -> dict[int, str]:
    found = {}
    for entry in sorted(tf.io.gfile.listdir(base_path)):
        child = entry.rstrip("/")
        path = f"{base_path.rstrip('/')}/{child}"
        # Folders only: a file with a numeric name would become a version that can never load.
        if _NUMBER.fullmatch(child) and int(child) <= _LARGEST and tf.io.gfile.isdir(path):
            found[int(child)] = path
    return found
