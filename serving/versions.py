"""What a published version is, told in one place: a folder named by a number that holds a saved_model.pb.

TensorFlow Serving itself goes by the name alone (its file_system_storage_path_source.cc): every entry of a base path that
reads as a number is a version, which it tries to load for minutes. Any other name, such as one that begins with a dot, it
passes over. So who publishes writes under such a name first, and who counts versions asks here.

    python -m serving.versions BASE_PATH

prints the path of the newest version. Standard library only.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Protocol

SAVED_MODEL = "saved_model.pb"

_NUMBER = re.compile(r"[0-9]{1,19}")
_LARGEST = 2**63 - 1


class Files(Protocol):
    """A file system; the modules `tf.io.gfile` and `tfx.dsl.io.fileio` are such."""

    def exists(self, path: str, /) -> bool: ...

    def isdir(self, path: str, /) -> bool: ...

    def listdir(self, path: str, /) -> Iterable[str]: ...


class _LocalFiles:
    def exists(self, path: str, /) -> bool:
        return os.path.exists(path)

    def isdir(self, path: str, /) -> bool:
        return os.path.isdir(path)

    def listdir(self, path: str, /) -> Iterable[str]:
        return os.listdir(path)


LOCAL = _LocalFiles()


def version_number(name: str) -> int | None:
    """The number of the version that an entry of a base path would be by its name; None if it would be none.

    Cloud storages list folders with a slash behind.
    """
    name = name.rstrip("/")
    return int(name) if _NUMBER.fullmatch(name) and int(name) <= _LARGEST else None


def is_version(path: str, files: Files = LOCAL) -> bool:
    """Whether a path is a published version. Errors of the file system are passed on."""
    return version_number(os.path.basename(path.rstrip("/"))) is not None and files.exists(os.path.join(path, SAVED_MODEL))


def published_versions(base_path: str, files: Files = LOCAL) -> dict[int, str]:
    """The published versions of a model.

    Args:
        base_path: The folder that holds a sub-folder for each.
        files: The file system.

    Returns:
        Paths by number, oldest first; none if there is no such folder. Of two names of one number, "7" and "07", one counts.
        Other errors of the file system are passed on.
    """
    found = {}
    for name in sorted(files.listdir(base_path)) if files.isdir(base_path) else ():
        path = os.path.join(base_path, name.rstrip("/"))
        number = version_number(name)
        if number is not None and is_version(path, files):
            found[number] = path
    return dict(sorted(found.items()))


def newest_version(base_path: str, files: Files = LOCAL) -> str | None:
    """The path of the published version that a server takes; None if nothing is published."""
    return next(reversed(published_versions(base_path, files).values()), None)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns the exit status: 1 if nothing is published."""
    parser = argparse.ArgumentParser(prog="python -m serving.versions", description="Prints the path of the newest version.")
    parser.add_argument("base_path", help="the folder that holds a sub-folder for each version")
    base_path = parser.parse_args(argv).base_path
    newest = newest_version(base_path)
    if newest is None:
        print(f"Nothing is published under {base_path}.", file=sys.stderr)
        return 1
    print(newest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
