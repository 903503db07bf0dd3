"""What may be tried by the tuner."""

from __future__ import annotations

import pytest

from trainer.hyperparameters import Hyperparameters
from trainer.tuning_settings import TuningSettings, chosen, told


def test_texts_become_hyperparameters() -> None:
    best = chosen(Hyperparameters(epochs=2), {"dropout": "0.3", "dnn_hidden_units": "8,4", "wide": "false"})
    assert (best.dropout, best.dnn_hidden_units, best.wide, best.epochs) == (0.3, (8, 4), False, 2)
    assert told(best, ["dropout"]) == {"dropout": 0.3, "dnn_hidden_units": [8, 4], "wide": False, "epochs": 2}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("dropot", "0.1", "such as `dropout`"),
        ("dropout", "1", "`dropout` must be a number"),
        ("epochs", "x", "`epochs` must"),
    ],
)
def test_what_is_no_hyperparameter_is_an_error(name: str, value: str, message: str) -> None:
    with pytest.raises(ValueError, match="`tune_choices` must hold values of settings") as error:
        TuningSettings(tune_choices={name: (value,)})
    assert message in str(error.value)
