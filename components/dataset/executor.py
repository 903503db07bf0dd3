"""The executor of Dataset: links, copies, and the rows that are held out."""

from __future__ import annotations

import errno
import os
from typing import Any

from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.dataset.held_out import VALIDATION, hold_out
from components.example_gen.spans import EVAL, TRAIN
from components.properties import (
    DATA_NAME,
    DATA_ROOT,
    DECLARATION,
    EVAL_SPAN,
    HELD_OUT_ROWS,
    JUDGED_BY,
    NEXT_SPAN,
    SPAN,
    SPAN_NAME,
    SPLIT_BY,
    STOPPING_ROWS,
    TRAIN_SPANS,
    copy_properties,
    span_of,
    text,
)

WINDOW = "window"
ANCHOR = "anchor"
EXAMPLES = "examples"
GROUP = "group"
# The share of clients that tell when to stop: of the newest of several spans, or of the only one.
NEWEST_SHARE = 0.2
ONLY_SHARE = 0.1

# What os.link says between two file systems, where one has no hard links, and where a file has as many as it can.
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class Executor(base_executor.BaseExecutor):
    """Composes the splits of links to the spans' files; copies them where the file system has no hard links.

    The newest rows that train are written anew, since some of their clients become the split `validation`.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        window = input_dict.get(WINDOW, [])
        anchor = artifact_utils.get_single_instance(input_dict[ANCHOR])
        output = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        output.split_names = artifact_utils.encode_split_names([TRAIN, VALIDATION, EVAL])
        examples_utils.set_payload_format(output, examples_utils.get_payload_format(anchor))
        examples_utils.set_file_format(output, examples_utils.get_file_format(anchor))
        _clear(output, [TRAIN, VALIDATION, EVAL])
        *older, newest = sorted(window, key=span_of) or [anchor]
        for examples in older:
            _link(examples, _splits(examples), output, TRAIN)
        held_out = hold_out(
            _files(newest, _splits(newest) if window else [TRAIN]),
            exec_properties[GROUP],
            NEWEST_SHARE if older else ONLY_SHARE,
            {split: artifact_utils.get_split_uri([output], split) for split in (TRAIN, VALIDATION)},
        )
        _link(anchor, _splits(anchor) if window else [EVAL], output, EVAL)
        copy_properties(anchor, output, (SPAN, DATA_ROOT, DATA_NAME, SPLIT_BY, DECLARATION))
        output.set_string_custom_property(
            TRAIN_SPANS, ",".join(text(examples, SPAN_NAME) for examples in window or [anchor])
        )
        output.set_string_custom_property(EVAL_SPAN, text(anchor, SPAN_NAME))
        output.set_int_custom_property(STOPPING_ROWS, held_out)
        output.set_string_custom_property(JUDGED_BY, NEXT_SPAN if window else HELD_OUT_ROWS)


def _splits(examples: types.Artifact) -> list[str]:
    return list(artifact_utils.decode_split_names(examples.split_names))


def _clear(output: types.Artifact, splits: list[str]) -> None:
    """Makes the splits' folders empty: an attempt that was cut off may have left links there."""
    for split in splits:
        folder = artifact_utils.get_split_uri([output], split)
        if fileio.exists(folder):
            fileio.rmtree(folder)
        fileio.makedirs(folder)


def _files(examples: types.Artifact, splits: list[str]) -> list[tuple[str, str]]:
    """The files of some splits, and their names among those of other spans and splits."""
    folders = [(split, artifact_utils.get_split_uri([examples], split)) for split in splits]
    return [
        (os.path.join(folder, name), f"{examples.id}-{split}-{name}")
        for split, folder in folders
        for name in sorted(fileio.listdir(folder))
    ]


def _link(examples: types.Artifact, splits: list[str], output: types.Artifact, into: str) -> None:
    target = artifact_utils.get_split_uri([output], into)
    for file, name in _files(examples, splits):
        _link_or_copy(file, os.path.join(target, name))


def _link_or_copy(file: str, link: str) -> None:
    """Raises OSError if the link is there already, or cannot be made for another reason than that there are no links."""
    if "://" not in file and "://" not in link:
        try:
            os.link(file, link)
            return
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
    # Never over a file: that could be the same one under another name, which would be emptied.
    fileio.copy(file, link, overwrite=False)
