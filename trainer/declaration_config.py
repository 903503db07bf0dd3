"""The declaration as JSON can hold it, for a saved model's configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, get_args

from transform import declaration as features


def declaration_to_config(declaration: features.Declaration) -> dict[str, Any]:
    """Turns a declaration into dicts, lists, strings and numbers."""
    listed = [{"kind": type(f).__name__, **dataclasses.asdict(f)} for f in declaration.features]
    return {"features": listed, "min_frequency": declaration.min_frequency}


def declaration_from_config(config: Mapping[str, Any]) -> features.Declaration:
    """The inverse of `declaration_to_config`, also after a round trip through JSON."""
    kinds = {kind.__name__: kind for kind in get_args(features.Feature)}
    listed = []
    for feature in config["features"]:
        arguments = dict(feature)
        kind = kinds[arguments.pop("kind")]
        if "queries" in arguments:
            arguments["queries"] = tuple(tuple(pair) for pair in arguments["queries"])
        listed.append(kind(**arguments))
    return features.Declaration(tuple(listed), config["min_frequency"])
