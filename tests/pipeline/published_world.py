"""A state in which models were published by the pusher itself, and a metadata store tells of it."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as pb
from rich.console import Console
from tfx.types.artifact import Artifact
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, ModelEvaluation, PushedModel

from components.latest_blessed_model import LatestBlessedBeforeCandidate
from components.properties import LINEAGE, copy_properties, text
from components.pusher.executor import Executor
from kubeflow.store import open_store
from pipeline.config import RunConfig
from pipeline.versions import print_versions
from serving.versions import published_versions
from tests.components.pusher.killing import write_model


class World:
    """Runs that train, judge and publish, one span after the other."""

    def __init__(self, folder: Path, connection: pb.ConnectionConfig | None = None) -> None:
        self.config = RunConfig(data_root=str(folder), state_root=str(folder / "state"))
        self.folder = folder
        self.connection = connection or pb.ConnectionConfig()
        if connection is None:
            (folder / "state").mkdir()
            self.connection.sqlite.filename_uri = self.config.metadata_path
        self.store = open_store(self.connection)
        self.run_type = self.store.put_context_type(pb.ContextType(name="pipeline_run"))
        self.pipeline_type = self.store.put_context_type(pb.ContextType(name="pipeline"))
        self.node = self.store.put_execution_type(pb.ExecutionType(name="node"))
        (self.pipeline,) = self.store.put_contexts([pb.Context(type_id=self.pipeline_type, name="community-din")])
        self.models: list[Model] = []

    @property
    def versions(self) -> list[int]:
        return list(published_versions(self.config.serving_root))

    def content(self, version: int) -> str:
        """What tells the models apart."""
        return (Path(self.config.serving_root) / str(version) / "variables" / "variables.data-00000-of-00001").read_text()[0]

    def run(
        self, weights: str, span: int, blessed: bool = True, saved_model: Path | None = None, examples: str = ""
    ) -> PushedModel:
        """A run whose model consists of `weights`, or is a given SavedModel, and whose dataset lies at `examples`."""
        (run,) = self.store.put_contexts([pb.Context(type_id=self.run_type, name=f"run-{len(self.models)}")])
        folder = self.folder / "models" / str(len(self.models))
        if saved_model is None:
            write_model(folder / "Format-Serving", weights)
        else:
            shutil.copytree(saved_model, folder / "Format-Serving")
        dataset, model, blessing, evaluation = Examples(), Model(), ModelBlessing(), ModelEvaluation()
        for name, value in {
            "eval_span": f"span-{span}",
            "train_spans": f"span-{span - 1}",
            "judged_by": "the next span",
            "data_root": "/data",
        }.items():
            dataset.set_string_custom_property(name, value)
        dataset.set_int_custom_property("span", span)
        dataset.uri, dataset.split_names = examples, '["train", "eval"]'
        model.uri = str(folder)
        # By it, TFX tells where in the folders the model and the splits are.
        for artifact in (dataset, model):
            artifact.set_string_custom_property("tfx_version", "1.21.0")
        copy_properties(dataset, model, LINEAGE)
        self._put(run, {}, {"examples": dataset})
        self._put(run, {"examples": dataset}, {"model": model})
        blessing.set_int_custom_property("current_model_id", model.id)
        blessing.set_int_custom_property("blessed", int(blessed))
        for end, auc in (("auc", 0.7), ("auc_lower", 0.65), ("auc_upper", 0.75)):
            evaluation.set_float_custom_property(end, auc)
        self._put(run, {"model": model, "examples": dataset}, {"evaluation": evaluation, "blessing": blessing})
        self.models.append(model)
        return self.push(model, run, blessing)

    def push(self, model: Model, run: int | None = None, blessing: ModelBlessing | None = None) -> PushedModel:
        """Publishes a model: in its own run, or in one that takes all before from the cache."""
        if run is None:
            (run,) = self.store.put_contexts([pb.Context(type_id=self.run_type, name=f"again-{model.id}")])
            model = _tfx(Model(), self.store.get_artifacts_by_id([model.id])[0])
        pushed = PushedModel()
        given = {"model": [model]} | ({"model_blessing": [blessing]} if blessing else {})
        Executor().Do(given, {"pushed_model": [pushed]}, {"base_directory": self.config.serving_root, "run_id": "run"})
        self._put(run, {"model": model}, {"pushed_model": pushed})
        return pushed

    def baseline(self) -> int | None:
        """The place among `models` of the one that the next run is compared with."""
        rows = self.store.get_artifacts_by_type("Model")
        candidate = _tfx(Model(), pb.Artifact.FromString(rows[-1].SerializeToString()))
        candidate.id = rows[-1].id + 1
        candidate.set_int_custom_property("span", 99)
        found = LatestBlessedBeforeCandidate().resolve_artifacts(
            self.store,
            {
                "model": [_tfx(Model(), row) for row in rows],
                "passed_over": [],
                "candidate": [candidate],
                "model_blessing": [_tfx(ModelBlessing(), row) for row in self.store.get_artifacts_by_type("ModelBlessing")],
            },
        )
        assert found is not None
        ids = [model.id for model in self.models]
        return next((ids.index(one.id) for one in found["model"]), None)

    def number(self, pushed: PushedModel) -> int:
        return int(text(pushed, "pushed_version"))

    def _put(self, run: int, inputs: dict[str, Artifact], outputs: dict[str, Artifact]) -> None:
        events = []
        for given, kind in ((inputs, pb.Event.INPUT), (outputs, pb.Event.OUTPUT)):
            for key, artifact in given.items():
                row = artifact.mlmd_artifact
                row.type_id = self.store.put_artifact_type(artifact.artifact_type, can_add_fields=True)
                row.state = pb.Artifact.LIVE
                row.uri = row.uri or str(self.folder / "state" / "pipeline" / key)
                event = pb.Event(type=kind)
                event.path.steps.add().key = key
                events.append((row, event))
        contexts = [*self.store.get_contexts_by_id([run, self.pipeline])]
        _, ids, _ = self.store.put_execution(pb.Execution(type_id=self.node), events, contexts)
        for artifact, found in zip([*inputs.values(), *outputs.values()], ids, strict=True):
            artifact.id = found


def _tfx(artifact: Artifact, row: pb.Artifact) -> Artifact:
    """A row of the store as TFX hands it to a component."""
    artifact.set_mlmd_artifact(row)
    return artifact


def listed(world: World) -> dict[int, str]:
    """The lines of `make versions`, by version."""
    screen = io.StringIO()
    print_versions(world.config, world.store, Console(file=screen, width=300))
    lines = screen.getvalue().splitlines()[1:]
    return {int(line.split()[0]): " ".join(line.split()[1:]) for line in lines}
