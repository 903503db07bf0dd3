from __future__ import annotations

import time
from pathlib import Path

from tests.kubeflow.package_runner import Cluster, Package


def test_trial(package: Path, cluster: Cluster, volume: Path) -> None:
    import subprocess, sys, shutil
    from tests.kubeflow.conftest import ROOT

    subprocess.run(
        [
            sys.executable,
            "-m",
            "data.synthesize",
            "--rows",
            "3000",
            "--spans",
            "2",
            "--layout",
            "folders",
            "--out",
            str(volume / "all"),
        ],
        check=True,
        cwd=ROOT,
    )
    days = sorted((volume / "all").iterdir())
    (volume / "data").mkdir()
    shutil.move(days[0], volume / "data")
    t = time.time()
    for run in ("run-1", "run-1b"):
        for r in Package(package).run(cluster, run):
            print(
                r.task,
                r.status,
                r.output[-300:] if not r.status and r.task != "report" else r.output[-4000:],
                r.errors[-700:],
            )
        print(time.time() - t)
    shutil.move(days[1], volume / "data")
    for r in Package(package).run(cluster, "run-2"):
        print(
            r.task, r.status, r.output[-300:] if not r.status and r.task != "report" else r.output[-4000:], r.errors[-700:]
        )
    print(time.time() - t)
