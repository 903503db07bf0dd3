"""`run_fn` for the Trainer component: reads, builds, fits, exports."""

from __future__ import annotations

import logging

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from trainer.checkpoint import Checkpoint
from trainer.din import DIN
from trainer.export_settings import ExportSettings
from trainer.exported_settings import EXPORT, write_settings
from trainer.history import EpochHistory
from trainer.hyperparameters import CHECKPOINTS, Hyperparameters
from trainer.input_pipeline import list_files, read_dataset, skip_epochs
from trainer.progress import LOGGER, TrainingProgress
from trainer.signatures import ServingModule, export
from trainer.training import BestEpoch, StopAtNonFiniteLoss, compiled
from trainer.vocabulary_sizes import vocabulary_sizes
from trainer.warm_start import start_from, write_weight_names
from transform.declaration import Declaration
from transform.features import DECLARATION
from transform.pretrained import read_table


def run_fn(fn_args: FnArgs) -> None:
    """Trains the declared DIN on transformed examples and exports it.

    Args:
        fn_args: The Trainer's arguments. `custom_config` holds the `hyperparameters`, and may hold the `export` settings;
            `CHECKPOINTS` names the folder, if any, of what a killed training of the same rows and settings goes on from;
            the number of steps follows from the rows, the batch size and the epochs. `eval_files` are rows that are held out
            of training to tell when to stop, not those that judge. `base_model` is an exported model to start from, if any.
    """
    hyperparameters = Hyperparameters(**fn_args.custom_config["hyperparameters"])
    export_settings = ExportSettings(**fn_args.custom_config.get("export", {}))
    keras.utils.set_random_seed(hyperparameters.seed)
    transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
    train, validation = read_rows(fn_args, transform_output, hyperparameters)
    steps = int(train.cardinality())
    model = build_model(transform_output, DECLARATION, hyperparameters)
    compiled(model, hyperparameters, steps * hyperparameters.epochs)
    if fn_args.base_model:
        known = start_from(model, _vocabularies(transform_output), fn_args.base_model)
        logging.getLogger(LOGGER).info("starts from %s  tokens known: %s", fn_args.base_model, known)
    best = BestEpoch(hyperparameters.patience, hyperparameters.min_steps, validation)
    folder = fn_args.custom_config.get(CHECKPOINTS, "") if hyperparameters.checkpoints else ""
    checkpoint = Checkpoint(folder, best) if folder else None
    done, epochs = checkpoint.restore(model, hyperparameters.epochs) if checkpoint else (0, hyperparameters.epochs)
    skip_epochs(train, done)
    model.fit(
        train,
        initial_epoch=done,
        epochs=epochs,
        validation_data=validation,
        verbose=0,
        callbacks=[
            StopAtNonFiniteLoss(),
            best,
            *([checkpoint] if checkpoint else []),
            TrainingProgress(steps, hyperparameters.epochs),
            EpochHistory(fn_args.model_run_dir, best),
            keras.callbacks.TensorBoard(log_dir=fn_args.model_run_dir, update_freq="epoch"),
        ],
    )
    model.settle()
    export(ServingModule(model, transform_output, DECLARATION), fn_args.serving_model_dir, export_settings)
    write_weight_names(model, fn_args.serving_model_dir)
    write_settings(fn_args.serving_model_dir, {"hyperparameters": hyperparameters, EXPORT: export_settings})
    if checkpoint:
        checkpoint.remove()


def read_rows(
    fn_args: FnArgs, transform_output: tft.TFTransformOutput, hyperparameters: Hyperparameters
) -> tuple[tf.data.Dataset, tf.data.Dataset]:
    """The rows that train, and those that tell when to stop."""
    spec, size = transform_output.transformed_feature_spec(), hyperparameters.batch_size
    train = read_dataset(
        list_files(fn_args.train_files),
        spec,
        DECLARATION,
        size,
        shuffle_seed=hyperparameters.seed,
        negative_share=hyperparameters.negative_share,
    )
    return train, read_dataset(list_files(fn_args.eval_files), spec, DECLARATION, size)


def _vocabularies(transform_output: tft.TFTransformOutput) -> dict[str, list[bytes]]:
    return {name: transform_output.vocabulary_by_name(name) for name in DECLARATION.looked_up}


def build_model(transform_output: tft.TFTransformOutput, declaration: Declaration, hyperparameters: Hyperparameters) -> DIN:
    """A DIN whose tables fit Transform's vocabularies, with the declared vectors."""
    given = {feature.name: read_table(feature).vectors for feature in declaration.pretrained}
    shapes = {name: vectors.shape for name, vectors in given.items()}
    model = DIN(declaration, vocabulary_sizes(transform_output, declaration), hyperparameters, shapes)
    for name, vectors in given.items():
        model.set_pretrained(name, vectors)
    return model
