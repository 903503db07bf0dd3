"""What the tuner tries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Self

from pydantic import model_validator

from settings.base import SettingError, Settings, setting
from settings.catalogue import catalogue
from settings.texts import from_text
from trainer.hyperparameters import Hyperparameters


class TuningSettings(Settings):
    """Tuning the hyperparameters, by `make tune`."""

    tune_choices: Mapping[str, tuple[str, ...]] = setting(
        {
            "learning_rate": ("0.00025", "0.0005", "0.001"),
            "embedding_rate_ratio": ("20", "40", "80"),
            "dropout": ("0.1", "0.3", "0.5"),
            "embedding_dim": ("8", "16", "32"),
        },
        "The values that are tried, by setting of the model and its training, as texts.",
    )
    tune_trials: int = setting(10, "How many combinations of them are tried, chosen at random.", ge=1)

    @model_validator(mode="after")
    def _choices_are_hyperparameters(self) -> Self:
        for name, values in self.tune_choices.items():
            for value in values:
                try:
                    chosen(Hyperparameters(), {name: value})
                except SettingError as error:
                    raise ValueError(f"`tune_choices` must hold values of settings: {error}") from None
        return self


def chosen(hyperparameters: Hyperparameters, values: Mapping[str, str]) -> Hyperparameters:
    """The hyperparameters with some of them replaced, given as texts.

    Raises:
        SettingError: One of them is unknown, or breaks its rule.
    """
    entries = catalogue(Hyperparameters)
    parsed = {name: from_text(entries[name], text) if name in entries else text for name, text in values.items()}
    return hyperparameters.replace(**parsed)


def told(hyperparameters: Hyperparameters, tried: Collection[str]) -> dict[str, Any]:
    """Those that were tried, and those that are not the defaults, as YAML has them."""
    defaults = Hyperparameters().to_dict()
    values = hyperparameters.to_dict()
    return {name: value for name, value in values.items() if name in tried or value != defaults[name]}
