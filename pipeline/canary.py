"""Gives a version the label `canary`, and makes the canary the stable version."""

from __future__ import annotations

import ml_metadata as mlmd

from pipeline.config import RunConfig
from pipeline.known_versions import KnownVersion, known_versions
from pipeline.labels import CANARY, STABLE, Served, read_served, write_served

_AGAIN = "Servers load it first: give the same command again in a minute, and the label moves."


def start_canary(config: RunConfig, store: mlmd.MetadataStore, version: int | None) -> str:
    """Labels a version `canary`, beside the stable one.

    Args:
        config: The configuration.
        store: The metadata store.
        version: The version; None for the newest that was not taken back.

    Returns:
        What was done, in words.

    Raises:
        ValueError: There is no such version, it is the stable one, or there is no other to be stable.
    """
    good = [one for one in known_versions(store, config.serving_root).values() if one.path and one.taken_back is None]
    canary = _chosen(good, version)
    served = read_served(config.serving_root)
    if STABLE not in served.labels:
        others = [one for one in good if one.digest != canary.digest]
        if not others:
            raise ValueError(f"There must be a version of another model than the canary, {canary.number}. Received: none.")
        served = served.pointed(STABLE, others[-1].number)
    if served.labels[STABLE] == canary.number:
        raise ValueError(f"`VERSION` must not be the stable version, {canary.number}. Received: {canary.number}.")
    served = served.pointed(CANARY, canary.number)
    write_served(config, served)
    moved = served.labels[CANARY] == canary.number
    told = f"Canary: version {canary.number}. Stable: version {served.labels[STABLE]}. "
    return told + ("`make promote` makes the canary stable." if moved else _AGAIN)


def promote(config: RunConfig, version: int | None) -> str:
    """Makes the canary, or another version, the stable one. Returns what was done, in words.

    Raises:
        ValueError: There is no canary, and no version is named.
    """
    served = read_served(config.serving_root)
    wanted = served.labels.get(CANARY) if version is None else version
    if wanted is None:
        raise ValueError("There must be a canary to promote: `make canary` makes one. Received: none.")
    if version is not None and version not in served.versions:
        raise ValueError(f"`VERSION` must be one that servers have loaded: {served.versions}. Received: {version}.")
    served = served.pointed(STABLE, wanted)
    if served.labels.get(CANARY) == wanted:
        served = served.without(CANARY)
    write_served(config, served)
    return f"Stable: version {wanted}. What is published later waits for `make canary`."


def after_rollback(config: RunConfig, restored: int, taken_back: tuple[int, ...]) -> str:
    """Keeps the labels true after a rollback. Returns what is to do, in words; empty without labels."""
    served = read_served(config.serving_root)
    if not served.labels:
        return ""
    if served.labels.get(CANARY) in taken_back:
        served = served.without(CANARY)
    stable = served.labels[STABLE]
    if stable in taken_back:
        served = served.pointed(STABLE, restored)
    write_served(config, served)
    if served.labels[STABLE] in taken_back:
        return f"The label `stable` is still at {stable}: once servers have loaded it, `make promote VERSION={restored}`."
    return f"The label `stable` is at version {served.labels[STABLE]}."


def waits(config: RunConfig, version: int) -> str:
    """Why a published version is not served yet; empty if it is."""
    served: Served = read_served(config.serving_root)
    if not served.labels or version in served.versions:
        return ""
    return f"not served: the label `stable` stays at version {served.labels[STABLE]}; `make canary` tries this one"


def _chosen(good: list[KnownVersion], version: int | None) -> KnownVersion:
    found = [one for one in good if version in (None, one.number)]
    if not found:
        known = ", ".join(str(one.number) for one in good) or "none"
        raise ValueError(f"`VERSION` must be a published version that was not taken back: {known}. Received: {version}.")
    return found[-1]
