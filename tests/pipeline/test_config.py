"""The run's configuration: from a command line, the environment, a file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.config import RunConfig, local_config
from pipeline.score import score_rows
from settings.base import SettingError
from settings.catalogue import catalogue
from settings.files import write_text
from settings.reference import table

ROOT = Path(__file__).parents[2]


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    (tmp_path / "day.csv").write_text("act\n")
    return tmp_path


def test_settings_come_from_the_environment(data_root: Path) -> None:
    environment = {"DATA_ROOT": str(data_root), "STATE_ROOT": str(data_root / "s"), "EPOCHS": "3", "MIN_AUC": "0.7"}
    environment |= {"SPAN": "2026-01-03", "WINDOW_SPANS": "3", "DNN_HIDDEN_UNITS": "8,4", "TOLERATED": "none", "HOME": "/"}
    config = local_config(environment)
    assert (config.hyperparameters.epochs, config.hyperparameters.dnn_hidden_units) == (3, (8, 4))
    assert (config.bounds.min_auc, config.data_bounds.tolerated) == (0.7, ())
    assert config.serving_root == str(data_root / "s" / "serving" / "community-din")
    assert (config.span, config.window_spans) == ("2026-01-03", 3)


def test_an_empty_value_counts_as_unset() -> None:
    assert local_config({"DATA_ROOT": "", "EPOCHS": ""}) == local_config({})


def test_what_is_given_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("epochs: 2\nbatch_size: 2\nseed: 2\n")
    config = local_config({"CONFIG": str(file), "EPOCHS": "3", "BATCH_SIZE": "3"}, {"EPOCHS": "4"})
    assert (config.hyperparameters.epochs, config.hyperparameters.batch_size, config.hyperparameters.seed) == (4, 3, 2)


def test_the_printed_configuration_is_a_file_that_gives_the_same(tmp_path: Path) -> None:
    config = local_config({}, {"EPOCHS": "4", "MAX_OOV_RATE_OF": "topic=0.25"})
    (tmp_path / "run.yaml").write_text(write_text(config))
    assert local_config({"CONFIG": str(tmp_path / "run.yaml")}) == config


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"EPOCHS": "many"}, "`EPOCHS` must be a whole number, at least 1. Received: 'many'."),
        ({"MIN_AUC": "1.5"}, "`MIN_AUC` must be a number, at least 0 and at most 1. Received: '1.5'."),
        ({"WINDOW_SPANS": "0"}, "`WINDOW_SPANS` must be a whole number, at least 1. Received: '0'."),
        ({"SPAN_VERSION": "-1"}, "`SPAN_VERSION` must be a whole number, at least 0, or one of 'newest'. Received: '-1'."),
        ({"COMPLETE_MARKER": "a/_SUCCESS"}, "`COMPLETE_MARKER` must be a text, or none. Received: 'a/_SUCCESS'."),
        ({"ENGINE": "spark"}, "`ENGINE` must be one of 'local', 'beam'. Received: 'spark'."),
        (
            {"DATA_ROOT": "/no/such/folder"},
            "`DATA_ROOT` must be a folder of CSV files, or of spans. Received: /no/such/folder.",
        ),
        ({"DATA_ROOT": "s3://bucket/days"}, "`DATA_ROOT` must be on this machine"),
        # It was taken for the folder `s3:` of the working directory.
        ({"STATE_ROOT": "s3://bucket/state"}, "`STATE_ROOT` must be on this machine"),
        ({"CONFIG": "/no/such.yaml"}, "`CONFIG` must be a readable YAML file. Received: /no/such.yaml: "),
    ],
)
def test_a_bad_setting_is_named(setting: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        local_config(setting)


@pytest.mark.parametrize(("source", "out"), [("s3://bucket/rows.csv", "scores"), ("rows.csv", "gs://bucket/scores")])
def test_rows_are_scored_on_this_machine(source: str, out: str, tmp_path: Path) -> None:
    console = Console(record=True, width=200)
    assert score_rows(source, out, local_config({}, {"STATE_ROOT": str(tmp_path)}), console, tmp_path / "log") == 1
    assert "PUT` must be on this machine, for a command on it. Received: " in console.export_text()


def test_a_mistyped_name_on_the_command_line_or_in_a_file_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="`EPOCH` must be a known setting, such as `EPOCHS`"):
        local_config({}, {"EPOCH": "3"})
    (tmp_path / "run.yaml").write_text("epoch: 3\n")
    with pytest.raises(SettingError, match="`epoch` must be a known setting, such as `epochs`"):
        local_config({"CONFIG": str(tmp_path / "run.yaml")})


def test_the_readme_has_the_table_of_the_main_settings() -> None:
    assert table(RunConfig) in (ROOT / "README.md").read_text()


def test_the_makefile_repeats_no_setting() -> None:
    """But for those that its own recipes use."""
    lines = (ROOT / "Makefile").read_text()
    repeated = {name.upper() for name in catalogue(RunConfig) if re.search(rf"\b{name.upper()}\b", lines)}
    assert repeated <= {"DATA_ROOT", "STATE_ROOT", "SPAN"}  # In the help, and of synthesized data.
    assert not re.search(r"^(export .*)?\b(DATA_ROOT|STATE_ROOT|SPAN)\b", lines, re.MULTILINE)


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_prints_the_configuration_and_refuses_what_is_none() -> None:
    printed = command("config", "epochs=5", MIN_AUC="0.6")
    assert printed.returncode == 0
    assert "\nepochs: 5\n" in printed.stdout
    assert "\nmin_auc: 0.6\n" in printed.stdout
    wrong = command("run", "EPCHS=5", "MIN_AUC=high")
    assert wrong.returncode == 1
    assert wrong.stderr == (
        "Error: `EPCHS` must be a known setting, such as `EPOCHS`. Received: an unknown name.\n"
        "Error: `MIN_AUC` must be a number, at least 0 and at most 1. Received: 'high'.\n"
    )
    assert command("run", "--epochs=5").returncode == 2
    assert "NAME=VALUE" in command("run", "5").stderr


def test_a_mistyped_variable_of_make_is_refused() -> None:
    run = subprocess.run(["make", "-n", "-p", "run", "EPCHS=5"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert re.search(r"^MAKE_GIVEN = ", run.stdout, re.MULTILINE)
    wrong = command("run", EPCHS="5", MAKE_GIVEN="EPCHS")
    assert wrong.stderr == "Error: `EPCHS` must be a known setting, such as `EPOCHS`. Received: an unknown name.\n"
    assert wrong.returncode == 1
