"""A trained model and an untrained one, and rows whose labels follow the trained one's scores."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, ModelEvaluation

from components.evaluation import executor
from components.evaluation.bounds import Bounds
from components.evaluation.verdict import Evaluation, read_evaluation
from pipeline.beam import IN_MEMORY
from tests.support import TRANSFORMED, RawRow, random_rows, rows_of_default, serialized
from tests.trainer.exported_model import ExportedModel, export_trained
from trainer.export_settings import ExportSettings
from trainer.exported_settings import EXPORT, write_settings
from trainer.hyperparameters import Hyperparameters
from trainer.input_pipeline import read_dataset
from trainer.run import build_model
from trainer.signatures import ServingModule, export
from transform.features import DECLARATION

JUDGED, CLIENTS = 1500, 60


@dataclasses.dataclass(frozen=True)
class Judged:
    """What the evaluator has put out."""

    evaluation: Evaluation
    artifact: ModelEvaluation
    blessing: ModelBlessing

    @property
    def failed(self) -> set[str]:
        return {name for name, _ in self.evaluation.failed}


@dataclasses.dataclass(frozen=True)
class World:
    """Two models by their folders, rows that train and that judge, and the trained model's scores of these."""

    good: Path
    poor: Path
    train: list[RawRow]
    judge: list[RawRow]
    scores: np.ndarray

    def evaluate(
        self, folder: Path, model: str = "good", baseline: str = "", judge: list[RawRow] | None = None, **bounds: Any
    ) -> Judged:
        """Runs the executor, as TFX does."""
        examples = Examples()
        examples.uri = str(folder / "examples")
        examples.split_names = '["train", "eval"]'
        for split, rows in (("train", self.train), ("eval", self.judge if judge is None else judge)):
            # A client's rows lie in several files.
            for number in range(2):
                _write(folder / "examples" / f"Split-{split}" / f"{number}.gz", rows[number::2])
        outputs = {"evaluation": ModelEvaluation(), "blessing": ModelBlessing()}
        for name, output in outputs.items():
            output.uri = str(folder / name)
        inputs = {"examples": [examples], "model": [_model(getattr(self, model), 1)]}
        if baseline:
            inputs["baseline_model"] = [_model(getattr(self, baseline), 2)]
        properties = {"train_split": "train", "judge_split": "eval", "bounds": Bounds(**bounds).to_json()}
        context = BaseBeamExecutor.Context(beam_pipeline_args=list(IN_MEMORY), tmp_dir=str(folder / "tmp"), unique_id="1")
        executor.Executor(context).Do(inputs, {name: [output] for name, output in outputs.items()}, properties)
        evaluation = outputs["evaluation"]
        return Judged(read_evaluation(evaluation.uri), evaluation, outputs["blessing"])


def make_world(folder: Path) -> World:
    """Trains and exports the models into a folder."""
    rng = np.random.default_rng(0)
    rows = random_rows(DECLARATION, JUDGED + 500, seed=9)
    exported = export_trained(DECLARATION, rows_of_default(200), rows, folder, ExportSettings(warmup_candidates=()))
    logits = np.log(exported.scores / (1 - exported.scores))
    steep = 1 / (1 + np.exp(-3 * (logits - logits.mean()) / logits.std()))
    labels = (rng.random(len(rows)) < steep).astype(int)
    clients = (rng.random(len(rows)) ** 2 * CLIENTS).astype(int)
    rows = [
        row | {"act": str(label), "client_id": f"client {client}"}
        for row, label, client in zip(rows, labels, clients, strict=True)
    ]
    return World(
        _placed(exported, folder / "good"),
        _untrained(exported, folder / "poor"),
        rows[JUDGED:],
        rows[:JUDGED],
        exported.scores[:JUDGED],
    )


def _placed(exported: ExportedModel, folder: Path) -> Path:
    """The model where TFX's trainer puts it."""
    folder.mkdir()
    exported.path.rename(folder / "Format-Serving")
    return folder


def _untrained(exported: ExportedModel, folder: Path) -> Path:
    keras.utils.set_random_seed(1)
    model = build_model(exported.transform_output, DECLARATION, Hyperparameters())
    model(next(iter(_features(exported))), training=False)
    module = ServingModule(model, exported.transform_output, DECLARATION)
    # It takes fewer rows at a time than the evaluator reads.
    settings = ExportSettings(warmup_candidates=(), max_scores=100)
    export(module, str(folder / "Format-Serving"), settings)
    write_settings(str(folder / "Format-Serving"), {EXPORT: settings})
    return folder


def _features(exported: ExportedModel) -> tf.data.Dataset:
    path = str(exported.path.parent / TRANSFORMED)
    spec = exported.transform_output.transformed_feature_spec()
    return read_dataset([path], spec, DECLARATION, batch_size=16).map(lambda features, _: features)


def _model(folder: Path, number: int) -> Model:
    model = Model()
    model.uri, model.id = str(folder), number
    return model


def _write(path: Path, rows: list[RawRow]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for record in serialized(rows, DECLARATION):
            writer.write(record)
