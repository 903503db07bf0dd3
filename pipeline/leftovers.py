"""What killed runs have left on the disk, and no metadata tell of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

from components.pusher.volume import STAGING
from serving.versions import is_version, version_number
from trainer.hyperparameters import CHECKPOINTS

# What pruning names a version that it removes.
PRUNED = ".pruned"
_SYSTEM = ".system"
_TEMPORARY = "executor_execution/*/.temp"


def leftovers(store: mlmd.MetadataStore, pipeline_root: str, serving_root: str) -> list[str]:
    """The folders that may go. To be called while no run is at work; what is in a bucket is not looked at.

    Those are outputs of executions, PIPELINE_ROOT/NODE/OUTPUT/EXECUTION, that no artifact names and that are older than the
    newest execution; temporary files of such executions; checkpoints of trainings, but for the last one, which the next run
    may go on from; and in the serving root what a killed publication or pruning has hidden, and numbers without a
    saved_model.pb, which servers try to load in vain.
    """
    if "://" in pipeline_root:
        return []
    newest = max((execution.id for execution in store.get_executions()), default=0)
    named = {artifact.uri.rstrip("/") for artifact in store.get_artifacts() if artifact.state != mlmd_pb2.Artifact.DELETED}
    outputs = _outputs(Path(pipeline_root), newest)
    found = [folder for folder in outputs if not any(uri == folder or uri.startswith(f"{folder}/") for uri in named)]
    return [
        *found,
        *_checkpoints(Path(pipeline_root)),
        *_temporary(Path(pipeline_root), newest),
        *_hidden(Path(serving_root)),
    ]


def _outputs(root: Path, newest: int) -> Iterator[str]:
    for folder in sorted(root.glob("*/*/*")):
        if folder.parent.name != _SYSTEM and folder.name.isdecimal() and int(folder.name) < newest and folder.is_dir():
            yield str(folder)


def _checkpoints(root: Path) -> list[str]:
    folders = [folder for folder in root.glob(f"*/{_SYSTEM}/{CHECKPOINTS}/*") if folder.is_dir()]
    return sorted(map(str, sorted(folders, key=lambda folder: folder.stat().st_mtime)[:-1]))


def _temporary(root: Path, newest: int) -> Iterator[str]:
    for folder in sorted(root.glob(f"*/{_SYSTEM}/{_TEMPORARY}")):
        if folder.parent.name.isdecimal() and int(folder.parent.name) < newest:
            yield str(folder)


def _hidden(root: Path) -> Iterator[str]:
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        is_hidden = path.name.startswith(STAGING) or (path.name.startswith(".") and path.name.endswith(PRUNED))
        is_broken = version_number(path.name) is not None and not is_version(str(path))
        if path.is_dir() and (is_hidden or is_broken):
            yield str(path)
