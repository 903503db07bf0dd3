"""A small exported model, and servers of it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from serving.server.process import RunningServer, start
from serving.server.process import free_port as free_port
from transform.features import DECLARATION

MODEL = "community-din"
VERSION = 1


def export_small_model(folder: Path, path: Path, seed: int = 0) -> None:
    """Exports a DIN that has seen 200 rows twice: its scores differ from item to item, and mean nothing."""
    # Half a minute of imports, which the tests that need no model are spared.
    import keras

    from tests.support import TRANSFORMED, analyze, rows_of_default
    from trainer.hyperparameters import Hyperparameters
    from trainer.input_pipeline import read_dataset
    from trainer.run import build_model
    from trainer.signatures import ServingModule, export
    from trainer.training import compiled

    rows = rows_of_default(200)
    output, _ = analyze(rows, rows, DECLARATION, folder)
    dataset = read_dataset([str(folder / TRANSFORMED)], output.transformed_feature_spec(), DECLARATION, batch_size=32)
    hyperparameters = Hyperparameters(epochs=2, batch_size=32, seed=seed)
    keras.utils.set_random_seed(seed)
    model = compiled(build_model(output, DECLARATION, hyperparameters), hyperparameters)
    model.fit(dataset, epochs=hyperparameters.epochs, verbose=0)
    export(ServingModule(model, output, DECLARATION), str(path))


def serve(models: Path, *flags: str) -> AbstractContextManager[RunningServer]:
    """Runs the embedded server on the small model, in a process of its own."""
    return start(f"--model_name={MODEL}", f"--model_base_path={models / MODEL}", *flags)
