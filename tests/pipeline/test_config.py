"""The run's configuration, read from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import RunConfig


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    (tmp_path / "day.csv").write_text("act\n")
    return tmp_path


def test_settings_come_from_the_environment(data_root: Path) -> None:
    environment = {"DATA_ROOT": str(data_root), "STATE_ROOT": str(data_root / "s"), "EPOCHS": "3", "MIN_AUC": "0.7"}
    environment |= {"SPAN": "2026-01-03", "WINDOW_SPANS": "3"}
    config = RunConfig.from_environment(environment)
    assert config.hyperparameters.epochs == 3
    assert config.bounds.min_auc == 0.7
    assert config.serving_root == str(data_root / "s" / "serving" / "community-din")
    assert (config.span, config.window_spans) == ("2026-01-03", 3)


def test_an_empty_value_counts_as_unset() -> None:
    assert RunConfig.from_environment({"DATA_ROOT": "", "EPOCHS": ""}) == RunConfig.from_environment({})


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"EPOCHS": "many"}, "`EPOCHS` must be a whole number. Received: 'many'"),
        ({"MIN_AUC": "high"}, "`MIN_AUC` must be a number. Received: 'high'"),
        ({"MIN_AUC": "1.5"}, "`min_auc` must be between 0 and 1. Received: 1.5"),
        ({"EPOCHS": "0"}, "`epochs` must be positive. Received: 0"),
        ({"COMPLETE_MARKER": "a/_SUCCESS"}, "`complete_marker` must be the name of a file. Received: 'a/_SUCCESS'"),
        ({"WINDOW_SPANS": "0"}, "`window_spans` must be positive. Received: 0"),
        ({"MAX_AUC_DROP": "-1"}, "`max_auc_drop` must not be negative. Received: -1.0"),
    ],
)
def test_a_bad_setting_is_named(setting: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RunConfig.from_environment(setting)


def test_a_data_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`DATA_ROOT` must be a folder of CSV files"):
        RunConfig.from_environment({"DATA_ROOT": str(tmp_path / "none")})
