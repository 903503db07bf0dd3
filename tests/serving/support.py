"""A small exported model, and real servers of it in processes of their own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from transform.features import DECLARATION

MODEL = "community-din"
VERSION = 1
_PATIENCE = 120


@dataclasses.dataclass(frozen=True)
class Server:
    """A running server."""

    grpc: str
    rest: str
    pid: int


def export_small_model(folder: Path, path: Path, seed: int = 0) -> None:
    """Exports a DIN that has seen 200 rows twice: its scores differ from item to item, and mean nothing."""
    # Half a minute of imports, which the tests that need no model are spared.
    import keras

    from tests.support import TRANSFORMED, analyze, rows_of_default
    from trainer.hyperparameters import Hyperparameters
    from trainer.input_pipeline import read_dataset
    from trainer.run import build_model, compiled
    from trainer.signatures import ServingModule, export

    rows = rows_of_default(200)
    output, _ = analyze(rows, rows, DECLARATION, folder)
    dataset = read_dataset([str(folder / TRANSFORMED)], output.transformed_feature_spec(), DECLARATION, batch_size=32)
    hyperparameters = Hyperparameters(epochs=2, batch_size=32, seed=seed)
    keras.utils.set_random_seed(seed)
    model = compiled(build_model(output, DECLARATION, hyperparameters), hyperparameters)
    model.fit(dataset, epochs=hyperparameters.epochs, verbose=0)
    export(ServingModule(model, output, DECLARATION), str(path))


@contextlib.contextmanager
def running_server(base_path: Path, log: Path, *flags: str) -> Iterator[Server]:
    """Runs `python -m serving` until the block ends; it answers when the block begins."""
    grpc_port, rest_port = free_port(), free_port()
    command = [sys.executable, "-m", "serving", f"--port={grpc_port}", f"--rest_api_port={rest_port}"]
    command += [f"--model_name={MODEL}", f"--model_base_path={base_path}", *flags]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until_available(f"localhost:{rest_port}", process, log)
        yield Server(f"localhost:{grpc_port}", f"localhost:{rest_port}", process.pid)
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_until_available(rest: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, f"The server has stopped:\n{log.read_text()[-3000:]}"
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            with urllib.request.urlopen(f"http://{rest}/v1/models/{MODEL}", timeout=5) as answer:
                states = json.load(answer)["model_version_status"]
            if any(state["state"] == "AVAILABLE" for state in states):
                return
        time.sleep(0.1)
    raise AssertionError(f"The server does not answer:\n{log.read_text()[-3000:]}")


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
