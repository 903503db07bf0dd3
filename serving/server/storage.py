"""Which versions a base path holds, and which of them a policy asks for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from serving.server.errors import ServingError, from_tensorflow, invalid_argument
from serving.versions import LOCAL, published_versions

LOG = logging.getLogger(__name__)


def aspired_versions(name: str, base_path: str, policy: Any) -> dict[int, str]:
    """Lists the versions to serve.

    Args:
        name: of the model.
        base_path: folder of published versions; see `serving/versions.py`.
        policy: a ServableVersionPolicy: latest (1 unless it says more), all, or specific.

    Returns:
        Paths by version number.

    Raises:
        ServingError: the base path cannot be read. What is served then stays as it is.
    """
    try:
        # TensorFlow's listing fails as a whole on one name that is not UTF-8.
        files = tf.io.gfile if "://" in base_path else LOCAL
        if not files.isdir(base_path):
            raise invalid_argument(f"Could not find base path {base_path} for servable {name}")
        found = published_versions(base_path, files)
    except tf.errors.OpError as error:
        raise from_tensorflow(error) from error
    except (OSError, ValueError) as error:
        raise invalid_argument(f"Could not read base path {base_path} for servable {name}: {error}") from error
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return found
    if choice == "specific":
        return {number: found[number] for number in policy.specific.versions if number in found}
    newest = sorted(found)[-max(policy.latest.num_versions, 1) :]
    return {number: found[number] for number in newest}


class Scanner:
    """Looks at the base paths of models, and logs what is wrong with one when it begins, not at each look."""

    def __init__(self) -> None:
        self._complaints: dict[str, str] = {}

    def scan(self, models: Mapping[str, Any]) -> dict[str, dict[int, str] | None]:
        """Paths to serve by version number, of ModelConfigs by name; None where that cannot be told now."""
        return {name: self._scan(name, model) for name, model in models.items()}

    def _scan(self, name: str, model: Any) -> dict[int, str] | None:
        complaint = ""
        aspired = None
        try:
            aspired = aspired_versions(name, model.base_path, model.model_version_policy)
        except ServingError as error:
            complaint = f"File system access error: {error.message}"
        else:
            missing = sorted(set(model.model_version_policy.specific.versions) - set(aspired))
            if missing:
                complaint = f"Versions {missing} of servable {name}, requested by a 'specific' policy, were not found"
            elif not aspired:
                complaint = (
                    f"No versions of servable {name} found under base path {model.base_path}. "
                    "Did you forget to name your leaf directory as a number (eg. '/1/')? "
                    "One without saved_model.pb is no version."
                )
        if complaint and complaint != self._complaints.get(name):
            LOG.warning(complaint)
        self._complaints[name] = complaint
        return aspired
