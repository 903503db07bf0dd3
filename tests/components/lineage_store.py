"""Runs in a metadata store, with what each says of its spans."""

from __future__ import annotations

from pathlib import Path

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.types.artifact import Artifact
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, PushedModel

from components.properties import LINEAGE, copy_properties


class Store:
    """A metadata store with the runs of a pipeline, each judged on a span: a model, its blessing, what was pushed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        config = pb.ConnectionConfig()
        config.fake_database.SetInParent()
        self.store = MetadataStore(config)
        self.run_type = self.store.put_context_type(pb.ContextType(name="pipeline_run"))
        self.models: list[Model] = []
        self.blessings: list[ModelBlessing] = []
        self.pushed: list[PushedModel] = []
        self.datasets: list[Examples] = []

    def put(self, artifact: Artifact, run: int) -> None:
        message = artifact.mlmd_artifact
        message.type_id = self.store.put_artifact_type(artifact.artifact_type, can_add_fields=True)
        (artifact.id,) = self.store.put_artifacts([message])
        attribution = pb.Attribution(artifact_id=artifact.id, context_id=run)
        self.store.put_attributions_and_associations([attribution], [])

    def run(
        self,
        span: int = 0,
        published: bool = True,
        blessed: bool = True,
        trained: tuple[int, ...] = (),
        tells: bool = True,
        **told: str,
    ) -> None:
        """A run judged on a span, and trained on others, or on the train split of the same.

        Without `tells`, the model says nothing by itself, as those of earlier releases.
        """
        name = f"run-{len(self.models)}"
        (context,) = self.store.put_contexts([pb.Context(type_id=self.run_type, name=name)])
        dataset, model, blessing, pushed = Examples(), Model(), ModelBlessing(), PushedModel()
        dataset.set_int_custom_property("span", span)
        dataset.set_string_custom_property("eval_span", f"span-{span}")
        dataset.set_string_custom_property("train_spans", ",".join(f"span-{one}" for one in trained or (span,)))
        dataset.set_string_custom_property("judged_by", "the next span" if trained else "held-out rows")
        for key, value in told.items():
            dataset.set_string_custom_property(key, value)
        if tells:
            copy_properties(dataset, model, LINEAGE)
            copy_properties(dataset, pushed, LINEAGE)
        pushed.set_int_custom_property("pushed", int(published))
        if published:
            pushed.set_string_custom_property("pushed_version", str(100 + len(self.models)))
            pushed.set_string_custom_property("pushed_destination", str(self.folder / str(100 + len(self.models))))
            (self.folder / str(100 + len(self.models))).mkdir()
            (self.folder / str(100 + len(self.models)) / "saved_model.pb").touch()
        for artifact in (dataset, model, pushed):
            self.put(artifact, context)
        blessing.set_int_custom_property("current_model_id", model.id)
        blessing.set_int_custom_property("blessed", int(blessed))
        self.datasets.append(dataset)
        self.models.append(model)
        self.blessings.append(blessing)
        self.pushed.append(pushed)
