"""`run_fn` for the Trainer component: reads, builds, fits, exports."""

from __future__ import annotations

import keras
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from trainer.din import DIN
from trainer.export_settings import ExportSettings
from trainer.hyperparameters import Hyperparameters
from trainer.input_pipeline import list_files, read_dataset
from trainer.progress import TrainingProgress
from trainer.signatures import ServingModule, export
from trainer.types import Tensor
from transform.features import DECLARATION, Declaration


def run_fn(fn_args: FnArgs) -> None:
    """Trains the declared DIN on transformed examples and exports it.

    Args:
        fn_args: The Trainer's arguments. `custom_config` holds the `hyperparameters`, and may hold the `export` settings;
            the number of steps follows from the rows, the batch size and the epochs.
    """
    hyperparameters = Hyperparameters(**fn_args.custom_config["hyperparameters"])
    export_settings = ExportSettings(**fn_args.custom_config.get("export", {}))
    keras.utils.set_random_seed(hyperparameters.seed)
    transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
    feature_spec = transform_output.transformed_feature_spec()
    batch_size = hyperparameters.batch_size
    train = read_dataset(
        list_files(fn_args.train_files), feature_spec, DECLARATION, batch_size, shuffle_seed=hyperparameters.seed
    )
    evaluation = read_dataset(list_files(fn_args.eval_files), feature_spec, DECLARATION, batch_size)

    model = compiled(build_model(transform_output, DECLARATION, hyperparameters), hyperparameters)
    model.fit(
        train,
        epochs=hyperparameters.epochs,
        validation_data=evaluation,
        verbose=0,
        callbacks=[
            TrainingProgress(int(train.cardinality()), hyperparameters.epochs),
            keras.callbacks.TensorBoard(log_dir=fn_args.model_run_dir, update_freq="epoch"),
        ],
    )
    export(ServingModule(model, transform_output, DECLARATION), fn_args.serving_model_dir, export_settings)


def build_model(transform_output: tft.TFTransformOutput, declaration: Declaration, hyperparameters: Hyperparameters) -> DIN:
    """A DIN whose tables fit Transform's vocabularies."""
    sizes = {name: transform_output.vocabulary_size_by_name(name) for name in declaration.vocabularies}
    return DIN(declaration, sizes, hyperparameters)


def compiled(model: DIN, hyperparameters: Hyperparameters) -> DIN:
    """The model with its optimizer, loss and metrics set."""
    model.compile(
        optimizer=keras.optimizers.Adam(hyperparameters.learning_rate),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[
            keras.metrics.AUC(from_logits=True, name="auc"),
            keras.metrics.MeanMetricWrapper(_log_loss, name="log_loss"),
        ],
        jit_compile=False,
    )
    return model


def _log_loss(labels: Tensor, logits: Tensor) -> Tensor:
    """Log loss by row, [B] and [B] to [B]: Keras's metric of that name would average batches of different sizes."""
    return keras.losses.binary_crossentropy(labels[:, None], logits[:, None], from_logits=True)
