"""What is served is asked before it is published: each way in which a model can fail is refused, and named."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from tfx.types.standard_artifacts import Examples, InfraBlessing, Model

from components.properties import number, text
from components.serving_validator import executor
from components.serving_validator.answers import Expected, Server, check_answers
from components.serving_validator.contents import RefusedError
from components.serving_validator.requests import RawRows
from components.serving_validator.settings import ServingSettings
from serving.model_server import EMBEDDED, ServerStartError, chosen_server, model_server
from tests.serving.damage import (
    cut_variables,
    damaged,
    drop_explain,
    empty_warmup,
    hang,
    lose_vocabulary,
    make_weights_nan,
    spoil_warmup,
    swap_columns,
)
from tests.serving.support import MODEL
from tests.support import EDGE_ROWS, random_rows, serialized
from trainer.export_settings import ExportSettings
from transform.features import DECLARATION

ROWS = EDGE_ROWS + random_rows(DECLARATION, 33, seed=3)


def blessing_of(path: Path, folder: Path, **settings: object) -> InfraBlessing:
    """Runs the executor, as TFX does."""
    examples, model, blessing = Examples(), Model(), InfraBlessing()
    examples.uri, examples.split_names = str(folder / "examples"), '["train", "eval"]'
    model.uri, blessing.uri = str(path.parent), str(folder / "blessing")
    (folder / "examples" / "Split-eval").mkdir(parents=True)
    for part in range(2):
        with tf.io.TFRecordWriter(str(folder / "examples" / "Split-eval" / f"{part}.gz"), "GZIP") as writer:
            for record in serialized(ROWS[part::2], DECLARATION):
                writer.write(record)
    given = ServingSettings(**{"serving_validator": EMBEDDED, **settings})  # type: ignore[arg-type]
    properties = {"split": "eval", "model_name": MODEL, "settings": given.to_json()}
    executor.Executor().Do({"model": [model], "examples": [examples]}, {"blessing": [blessing]}, properties)
    return blessing


def servers() -> list[str]:
    """The command lines of the model servers that this process has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if f"PPid:\t{os.getpid()}\n" in status.read_text():
                found.append((status.parent / "cmdline").read_text())
    return [line for line in found if "--model_base_path" in line]


@pytest.fixture
def others() -> list[str]:
    """The servers of other tests, which go on."""
    return servers()


def test_a_good_model_is_blessed_and_its_server_ended(models: Path, tmp_path: Path, others: list[str]) -> None:
    path = damaged(models, tmp_path, lambda path: None)
    blessing = blessing_of(path, tmp_path, serving_rows=30)
    assert (number(blessing, "blessed"), text(blessing, "reason")) == (1, "")
    assert text(blessing, "server") == "embedded"
    assert number(blessing, "served_rows") == 30
    assert blessing.get_float_custom_property("worst_difference") <= 1e-5
    assert blessing.get_float_custom_property("milliseconds") > 0
    assert servers() == others


@pytest.mark.parametrize(
    ("damage", "settings", "reason"),
    [
        (drop_explain, {}, "it has no signature explain"),
        (lose_vocabulary, {}, "it lacks the files "),
        (spoil_warmup, {}, "its warm-up requests cannot be read"),
        (empty_warmup, {}, "it lacks warm-up requests"),
        (cut_variables, {}, "the server did not load it: "),
        (hang, {"serving_start_seconds": 3}, "it was not ready within 3 s"),
        (lambda path: None, {"serving_validator": "binary"}, "tensorflow_model_server must be on the PATH"),
    ],
    ids=["signature", "asset", "warm-up", "no warm-up", "load", "never ready", "binary"],
)
def test_a_model_that_cannot_be_served_is_refused_and_says_why(
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Path], None],
    settings: dict[str, object],
    reason: str,
    others: list[str],
) -> None:
    monkeypatch.setenv("PATH", "")
    blessing = blessing_of(damaged(models, tmp_path, damage), tmp_path, **settings)
    assert number(blessing, "blessed") == 0
    assert text(blessing, "reason").startswith("the model could not be served: ")
    assert reason in text(blessing, "reason")
    assert servers() == others


def test_a_model_that_is_too_slow_is_refused_and_says_how_slow() -> None:
    executor.check_latency(1e9, ServingSettings())
    executor.check_latency(20, ServingSettings(max_serving_ms=20))
    with pytest.raises(RefusedError, match=r"it takes 20.1 ms to rank a user's candidates, and MAX_SERVING_MS is 20"):
        executor.check_latency(20.1, ServingSettings(max_serving_ms=20))


@pytest.fixture(scope="module")
def wrong(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[grpc.Channel, dict[str, Path]]]:
    """A server of two models that load and answer wrongly, as versions 1 and 2, and their folders."""
    base = tmp_path_factory.mktemp("wrong")
    paths = {}
    for name, damage in (("swapped", swap_columns), ("nan", make_weights_nan)):
        paths[name] = damaged(models, base / name, damage)
        (base / "serving" / name).mkdir(parents=True)
        (base / "serving" / name / "1").symlink_to(paths[name])
    config = base / "models.config"
    models_of = "".join(
        f'config {{ name: "{name}" base_path: "{base / "serving" / name}" model_platform: "tensorflow" }}' for name in paths
    )
    config.write_text(f"model_config_list {{ {models_of} }}")
    from serving.server.process import start

    with start(f"--model_config_file={config}") as server, grpc.insecure_channel(server.grpc_address) as channel:
        yield channel, paths


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("swapped", r"rank answers score other than the model judged: 0\.\d+ instead of 0\.\d+, and \d+ of 160 differ"),
        ("nan", r"serve_examples answers score that is not finite for 40 of 40 rows"),
    ],
)
def test_a_model_that_answers_wrongly_is_refused_and_says_where(
    wrong: tuple[grpc.Channel, dict[str, Path]], name: str, reason: str
) -> None:
    channel, paths = wrong
    expected = Expected(str(paths[name]), RawRows(serialized(ROWS, DECLARATION), DECLARATION), ExportSettings())
    with pytest.raises(RefusedError, match=reason):
        check_answers(Server(channel, name), expected)


def test_a_small_bound_on_scores_is_kept_by_the_requests() -> None:
    rows = RawRows(serialized(ROWS, DECLARATION), DECLARATION)
    for request in rows.requests(6):
        assert all(values.size <= 6 for values in request.inputs.values())


def test_tensorflow_servings_own_server_is_taken_if_it_is_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = tmp_path / "tensorflow_model_server"
    binary.write_text("#!/bin/sh\necho 'Failed to start server. Error: Unknown: it is a script' >&2\nexit 1\n")
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert chosen_server(EMBEDDED) == EMBEDDED
    assert chosen_server("auto") == chosen_server("binary") == str(binary)
    with (
        pytest.raises(ServerStartError, match="did not load it: .*it is a script"),
        model_server(chosen_server("auto"), MODEL, str(tmp_path), 60),
    ):
        pass


def test_the_server_ends_with_a_process_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by any handler: SIGKILL leaves none to run."""
    pid = tmp_path / "pid"
    binary = tmp_path / "tensorflow_model_server"
    binary.write_text(f"#!/bin/sh\necho $$ > {pid}.new\nmv {pid}.new {pid}\nexec sleep 600\n")
    binary.chmod(0o755)
    code = f"from serving.model_server import model_server\nwith model_server({str(binary)!r}, 'm', '/', 600):\n    pass"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        while not pid.exists():
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    status = Path(f"/proc/{int(pid.read_text())}/status")
    # In a container nobody may collect it: then it stays, dead.
    while status.exists() and "State:\tZ" not in status.read_text():
        time.sleep(0.01)
