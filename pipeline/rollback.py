"""Takes published models back: an earlier one is served again, and is what the next model is compared with."""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Mapping, Sequence

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
from tfx.types.standard_artifacts import PushedModel

from components.lineage import PIPELINE_RUN
from components.properties import LINEAGE, TAKEN_BACK, TAKEN_BACK_AT, copy_properties
from components.pusher.executor import destination_of
from components.pusher.files import DIGEST, kept_cards
from components.pusher.outcome import DESTINATION, IS_NEW, MODEL, PUSHED, PUSHED_MODEL, VERSION
from components.pusher.publication import publish
from components.pusher.taken_back import TakenBack, read_taken_back, write_taken_back
from pipeline.config import RunConfig
from pipeline.known_versions import KnownVersion, blessed_models, known_versions, served
from pipeline.results import Artifact

EXECUTION = "community_din.Rollback"
_PIPELINE = "pipeline"
# Of the execution: why, when, which version is served again and as which, and which were taken back.
REASON, TIME, RESTORED, AS_VERSION, TAKEN = "reason", "time", "restored", "as_version", "taken_back"
# Of the record of a version that was published again.
ROLLED_BACK = "rolled_back"
_NO_REASON = "no reason was given"


@dataclasses.dataclass(frozen=True)
class RolledBack:
    """What a rollback did: the version whose model is served, as which, what was taken back, why, when and where it lies."""

    restored: int
    as_version: int
    taken_back: tuple[int, ...]
    reason: str
    time: str
    path: str


def roll_back(config: RunConfig, store: mlmd.MetadataStore, version: int | None, reason: str) -> RolledBack:
    """Serves the model of an earlier version again, and marks all that came after it.

    TensorFlow Serving's default policy serves the highest number, and so do all servers of a base path without being told:
    the earlier model is published again, as the newest version, in the way in which settings that were set back publish.
    What comes after it is marked in the metadata store, so that it is no model's measure, and beside the versions, so that
    it is not published again. The command may be repeated if it was killed.

    Args:
        config: The configuration.
        store: The metadata store.
        version: The version; None for the newest one before the served model. One that was taken back itself is brought
            back, and nothing is marked.
        reason: Why; it is recorded.

    Raises:
        ValueError: There is no such version, or none before the served one.
    """
    reason = reason or _NO_REASON
    base_path = config.serving_root
    destination = destination_of(base_path)
    versions = known_versions(store, base_path)
    unfinished = _unfinished(versions)
    if unfinished is not None:
        _record(config, store, versions, unfinished)
        if version in (None, unfinished.restored):
            return unfinished
        versions = known_versions(store, base_path)
    target = _target(versions, version, base_path)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    entries = read_taken_back(base_path, destination.files)
    later: list[KnownVersion] = []
    if target.taken_back is not None:
        entries.pop(target.digest, None)
    else:
        later = [one for one in versions.values() if one.number > target.number and one.digest != target.digest]
        entries |= {one.digest: TakenBack(one.number, reason, now) for one in later if one.digest}
    write_taken_back(base_path, entries)
    _mark(store, target, later, reason, now)
    told = {name: value for name, value in target.record.items() if name != DIGEST}
    act = {"to": target.number, "reason": reason, "taken_back": [one.number for one in later]}
    told |= {"published": now, ROLLED_BACK: act}
    cards = kept_cards(str(target.path), destination.files)
    publication = publish(str(target.path), base_path, told, destination, cards)
    done = RolledBack(target.number, publication.number, tuple(one.number for one in later), reason, now, publication.path)
    if publication.is_new:
        _record(config, store, versions, done)
    return done


def _unfinished(versions: Mapping[int, KnownVersion]) -> RolledBack | None:
    """What a rollback did that was killed when its version was there, and the metadata store did not know it."""
    now = served(versions)
    act = now.record.get(ROLLED_BACK) if now is not None and now.pushed is None else None
    if now is None or not act or act["to"] not in versions:
        return None
    return RolledBack(
        act["to"], now.number, tuple(act["taken_back"]), act["reason"], str(now.record["published"]), str(now.path)
    )


def told(done: RolledBack) -> str:
    """What a rollback did, in words."""
    lines = [f"Version {done.as_version} is the model of version {done.restored} again: servers take it by themselves."]
    if done.taken_back:
        which = ", ".join(map(str, done.taken_back))
        lines.append(f"Rolled back: {which}. The next model is compared with that of version {done.restored}.")
    return "\n".join(lines)


def _target(versions: Mapping[int, KnownVersion], wanted: int | None, base_path: str) -> KnownVersion:
    now = served(versions)
    there = [one for one in versions.values() if one.path]
    if wanted is None:
        earlier = [one for one in there if now and one.digest != now.digest and one.taken_back is None]
        if not earlier:
            raise ValueError(f"There must be a version of another model than the served one. Received: {base_path}.")
        return earlier[-1]
    known = ", ".join(str(one.number) for one in there) or "none"
    found = versions.get(wanted)
    if found is None or found.path is None:
        raise ValueError(f"`VERSION` must be a published version that is there: {known}. Received: {wanted}.")
    if now is not None and found.digest == now.digest and found.taken_back is None:
        raise ValueError(f"`VERSION` must be of another model than the served one, {now.number}. Received: {wanted}.")
    return found


def _mark(store: mlmd.MetadataStore, target: KnownVersion, later: Sequence[KnownVersion], reason: str, now: str) -> None:
    """Marks the models of the later versions, and those that were blessed after the target's and never published."""
    changed: dict[int, Artifact] = {}
    if target.taken_back is not None:
        for one in (target.model, target.pushed):
            if one is not None:
                for name in (TAKEN_BACK, TAKEN_BACK_AT):
                    one.custom_properties[name].string_value = ""
                changed[one.id] = one
    else:
        bad = [one for version in later for one in (version.model, version.pushed) if one is not None]
        if target.model is not None:
            bad += [one for one in blessed_models(store) if one.id > target.model.id]
        for one in bad:
            if target.model is None or one.id != target.model.id:
                one.custom_properties[TAKEN_BACK].string_value = reason
                one.custom_properties[TAKEN_BACK_AT].string_value = now
                changed[one.id] = one
    if changed:
        store.put_artifacts(list(changed.values()))


def _record(config: RunConfig, store: mlmd.MetadataStore, versions: Mapping[int, KnownVersion], done: RolledBack) -> None:
    """Tells the metadata store of the act, and of the version that it has published."""
    target = versions[done.restored]
    execution = mlmd_pb2.Execution(
        type_id=store.put_execution_type(mlmd_pb2.ExecutionType(name=EXECUTION)),
        last_known_state=mlmd_pb2.Execution.COMPLETE,
    )
    told = {REASON: done.reason, TIME: done.time, RESTORED: str(done.restored), AS_VERSION: str(done.as_version)}
    told[TAKEN] = ",".join(map(str, done.taken_back))
    for name, value in told.items():
        execution.custom_properties[name].string_value = value
    pushed = PushedModel()
    if target.pushed is not None:
        copy_properties(target.pushed, pushed, LINEAGE)
    pushed.set_int_custom_property(PUSHED, 1)
    pushed.set_int_custom_property(IS_NEW, 1)
    pushed.set_string_custom_property(DESTINATION, done.path)
    pushed.set_string_custom_property(VERSION, str(done.as_version))
    row = pushed.mlmd_artifact
    row.uri = os.path.join(config.pipeline_root, "rollback", PUSHED_MODEL, str(done.as_version))
    row.type_id = store.put_artifact_type(pushed.artifact_type, can_add_fields=True, can_omit_fields=True)
    row.state = mlmd_pb2.Artifact.LIVE
    events = [(row, _event(mlmd_pb2.Event.OUTPUT, PUSHED_MODEL))]
    if target.model is not None:
        events.append((target.model, _event(mlmd_pb2.Event.INPUT, MODEL)))
    context = store.get_context_by_type_and_name(_PIPELINE, config.pipeline_name)
    _, (published, *_), _ = store.put_execution(execution, events, [context] if context else [])
    # Pruning keeps the run of a version that stays: this one is of the run that has made the model.
    runs = (
        [one for one in store.get_contexts_by_artifact(target.pushed.id) if one.type == PIPELINE_RUN]
        if target.pushed
        else []
    )
    if runs:
        first = min(one.id for one in runs)
        store.put_attributions_and_associations([mlmd_pb2.Attribution(artifact_id=published, context_id=first)], [])


def _event(kind: int, key: str) -> mlmd_pb2.Event:
    event = mlmd_pb2.Event(type=kind)
    event.path.steps.add().key = key
    event.path.steps.add().index = 0
    return event
