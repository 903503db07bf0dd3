"""Runs every signature of an export in another TensorFlow than the one that wrote it, and compares the answers.

    python -m serving.check_export EXPORT --python var/tensorflow-2.21.0/bin/python

TensorFlow Serving's images bring their own TensorFlow; `make check-export` makes an environment with that version first. The
exit status is 0 if all answers agree, 1 if not, and 2 if the arguments cannot be used.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transform.features import DECLARATION

TOLERANCE = 1e-5
ROWS = 200
_VERSION = "version"
_RUNNER = Path(__file__).with_name("run_signatures.py")

Answers = Mapping[str, NDArray[Any]]


class ExportError(RuntimeError):
    """An export cannot be loaded or called; the message holds the last words of the process that tried."""


def sample_rows(data_root: Path, count: int) -> list[dict[str, str]]:
    """The serving columns of the first rows of the CSVs of a folder. Raises ValueError if there are none."""
    files = sorted(data_root.rglob("*.csv"))
    rows = itertools.islice((row for file in files for row in _rows(file)), count)
    found = [{name: row[name] for name in DECLARATION.serving_columns} for row in rows]
    if not found:
        raise ValueError(f"`--rows` must name a folder with CSV files. Received: {str(data_root)!r}.")
    return found


def answers(python: str, export: Path, rows: Sequence[Mapping[str, str]]) -> tuple[str, Answers]:
    """The TensorFlow of an interpreter, and every signature's outputs, named `signature/output`, as it computes them.

    Raises:
        ExportError: The process failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        requests, results = Path(folder) / "rows.json", Path(folder) / "answers.npz"
        requests.write_text(json.dumps(rows), encoding="utf-8")
        # -P: the script's folder is no place to import from.
        command = [python, "-P", str(_RUNNER), str(export), str(requests), str(results)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            raise ExportError(f"{python} could not run the signatures of {export}:\n{run.stderr[-2000:]}")
        with np.load(results) as archive:
            found = dict(archive)
    return found.pop(_VERSION).item().decode(), found


def differences(ours: Answers, theirs: Answers) -> dict[str, float]:
    """The worst absolute difference of each output; infinite where an output is missing, or differs in shape or in text."""
    return {name: _difference(ours.get(name), theirs.get(name)) for name in sorted({*ours, *theirs})}


def _rows(file: Path) -> csv.DictReader[str]:
    return csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines())


def _difference(ours: NDArray[Any] | None, theirs: NDArray[Any] | None) -> float:
    if ours is None or theirs is None or ours.shape != theirs.shape or ours.dtype.kind != theirs.dtype.kind:
        return float("inf")
    if ours.dtype.kind != "f":
        return 0.0 if np.array_equal(ours, theirs) else float("inf")
    return float(np.max(np.abs(ours - theirs), initial=0.0))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving.check_export", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("export", type=Path, help="the folder of a published version")
    parser.add_argument("--python", required=True, help="an interpreter that has the other TensorFlow")
    parser.add_argument("--rows", type=Path, default=Path("data/sample"), help="a folder of CSVs (%(default)s)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        rows = sample_rows(arguments.rows, ROWS)
        (our_version, ours), (their_version, theirs) = (
            answers(python, arguments.export, rows) for python in (sys.executable, arguments.python)
        )
    except (ValueError, KeyError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ExportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    worst = differences(ours, theirs)
    print(f"{arguments.export} in TensorFlow {their_version}, against {our_version}:")
    for name, difference in worst.items():
        print(f"  {name:45} {str(ours[name].shape) if name in ours else 'missing':>16}  worst difference {difference:.2e}")
    agree = max(worst.values()) <= TOLERANCE
    print(f"{'All agree' if agree else 'NOT all agree'} to {TOLERANCE:.0e} on {len(rows)} rows.")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
