"""`tuner_fn` for TFX's Tuner: tries combinations of hyperparameters, each trained as the Trainer trains."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import keras
import keras_tuner
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from trainer.hyperparameters import Hyperparameters
from trainer.progress import LOGGER
from trainer.run import build_model, read_rows
from trainer.training import BestEpoch, StopAtNonFiniteLoss, compiled
from trainer.tuning_settings import TuningSettings, chosen
from transform.features import DECLARATION

OBJECTIVE = "val_log_loss"


class Tuner(keras_tuner.RandomSearch):
    """Tries combinations at random; the measure is the log loss of the best epoch on the rows that are held out.

    Args:
        hyperparameters: What is not tried.
        tuning: What is.
        fn_args: The Tuner's arguments.
    """

    def __init__(self, hyperparameters: Hyperparameters, tuning: TuningSettings, fn_args: FnArgs) -> None:
        space = keras_tuner.HyperParameters()
        for name, values in tuning.tune_choices.items():
            space.Choice(name, list(values))
        self._fixed = hyperparameters
        self._fn_args = fn_args
        self._most = tuning.tune_trials
        super().__init__(
            objective=keras_tuner.Objective(OBJECTIVE, "min"),
            max_trials=tuning.tune_trials,
            seed=hyperparameters.seed,
            hyperparameters=space,
            tune_new_entries=False,
            directory=fn_args.working_dir,
            project_name="tuning",
            overwrite=True,
        )

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Trains one combination. Returns the measure."""
        values: Mapping[str, str] = trial.hyperparameters.values
        loss = train(chosen(self._fixed, values), self._fn_args)
        told = "  ".join(f"{name} {value}" for name, value in values.items())
        number = len(self.oracle.trials)
        logging.getLogger(LOGGER).info("trial %d of %d at most  %s  log loss %.5f", number, self._most, told, loss)
        return {OBJECTIVE: loss}


def train(hyperparameters: Hyperparameters, fn_args: FnArgs) -> float:
    """Trains a model. Returns the log loss of its best epoch on the rows that are held out."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(hyperparameters.seed)
    transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
    rows, validation = read_rows(fn_args, transform_output, hyperparameters)
    model = build_model(transform_output, DECLARATION, hyperparameters)
    compiled(model, hyperparameters, int(rows.cardinality()) * hyperparameters.epochs)
    best = BestEpoch(hyperparameters.patience, hyperparameters.min_steps, validation)
    callbacks = [StopAtNonFiniteLoss(), best]
    model.fit(rows, epochs=hyperparameters.epochs, validation_data=validation, verbose=0, callbacks=callbacks)
    return best.get_state()[0]["loss"]


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """The tuner of the declared DIN.

    Args:
        fn_args: The Tuner's arguments. `custom_config` holds the `hyperparameters` that are not tried, and `tuning`.
    """
    hyperparameters = Hyperparameters(**fn_args.custom_config["hyperparameters"])
    return TunerFnResult(Tuner(hyperparameters, TuningSettings(**fn_args.custom_config["tuning"]), fn_args), {})
