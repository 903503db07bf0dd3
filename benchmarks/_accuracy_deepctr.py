"""DeepCTR's DIN on the same rows and ids, in an environment of its own: it needs Keras 2.

Its settings are the best that were found for it on days that do not judge: embeddings of 16, attention of 64-16 with
softmax, hidden layers of 200-80, Adam with 1e-3, batches of 1024, 2 epochs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks._accuracy_data import Log
from transform.declaration import Declaration

REQUIREMENTS = ("tensorflow-cpu==2.15.1", "deepctr==0.9.4", "setuptools<81")

# Reads log.npz and columns.json beside it, writes scores.npy.
SCRIPT = """
import json, os, sys
import numpy as np
import tensorflow as tf
from deepctr.feature_column import SparseFeat, VarLenSparseFeat
from deepctr.models import DIN
folder, seed = sys.argv[1], int(sys.argv[2])
arrays, columns = np.load(os.path.join(folder, "log.npz")), json.load(open(os.path.join(folder, "columns.json")))
tf.keras.utils.set_random_seed(seed)
features, history = [], []
inputs = {"train": {}, "judge": {}}
for column in columns:
    name, size, shared = column["name"], column["size"], column["vocabulary"]
    for part, values in inputs.items():
        values[name] = arrays[part + " " + name]
    if column["kind"] == "category":
        features.append(SparseFeat(name, size, embedding_dim=16, embedding_name=shared))
        continue
    sparse = SparseFeat(name, size, embedding_dim=16, embedding_name=shared)
    if column["kind"] == "history":
        history.append(name)
        # Padding is at the end; DeepCTR finds a candidate's history by its name.
        name = "hist_" + column["candidate"]
        for values in inputs.values():
            values[name] = values.pop(column["name"])
        sparse = SparseFeat(name, size, embedding_dim=16, embedding_name=shared)
        features.append(VarLenSparseFeat(sparse, maxlen=inputs["train"][name].shape[1]))
    else:
        weight = column["weight"]
        for part, values in inputs.items():
            if weight:
                values[weight] = arrays[part + " " + weight][:, :, None]
        features.append(
            VarLenSparseFeat(sparse, maxlen=inputs["train"][name].shape[1], combiner="mean", weight_name=weight)
        )
candidates = [column["candidate"] for column in columns if column["kind"] == "history"]
model = DIN(
    features, candidates, dnn_hidden_units=(200, 80), att_hidden_size=(64, 16), att_activation="sigmoid",
    att_weight_normalization=True, seed=seed,
)
model.compile(tf.keras.optimizers.Adam(1e-3), "binary_crossentropy")
model.fit(inputs["train"], arrays["train labels"], batch_size=1024, epochs=2, verbose=0)
np.save(os.path.join(folder, "scores.npy"), model.predict(inputs["judge"], batch_size=4096, verbose=0).ravel())
"""


def deepctr_scores(log: Log, declaration: Declaration, seed: int, environment: Path) -> np.ndarray:
    """The scores of the rows that judge, of DeepCTR's DIN trained on all others.

    Args:
        log: The log.
        declaration: The declared features; it must have one history.
        seed: The seed.
        environment: The folder of its environment, made if it is not there.
    """
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *REQUIREMENTS], check=True)
    with tempfile.TemporaryDirectory() as folder:
        parts = {"train": log.known, "judge": log.judge}
        arrays = {f"{name} {key}": value for name, part in parts.items() for key, value in part.features.items()}
        for name in [key.removeprefix("train ") for key in arrays if key.startswith("train ")]:
            train, judge = arrays[f"train {name}"], arrays[f"judge {name}"]
            if train.ndim == 2:
                width = max(train.shape[1], judge.shape[1])
                for key in ("train", "judge"):
                    value = arrays[f"{key} {name}"]
                    arrays[f"{key} {name}"] = np.pad(value, ((0, 0), (0, width - value.shape[1])))
        arrays["train labels"] = parts["train"].labels
        np.savez(f"{folder}/log.npz", **arrays)  # type: ignore[arg-type]
        Path(folder, "columns.json").write_text(json.dumps(_columns(log, declaration)))
        subprocess.run([str(python), "-c", SCRIPT, folder, str(seed)], check=True, stdout=subprocess.DEVNULL)
        return np.asarray(np.load(f"{folder}/scores.npy"))


def _columns(log: Log, declaration: Declaration) -> list[dict[str, object]]:
    queries = dict(query for history in declaration.histories for query in history.queries)
    return [
        {
            "name": column.name,
            "kind": column.kind,
            "vocabulary": declaration.vocabulary_of(column.name),
            "size": log.sizes[declaration.vocabulary_of(column.name)] + 2,
            "candidate": queries.get(column.name),
            "weight": f"{column.name}_weight" if column.kind == "weighted_list" else None,
        }
        for column in declaration.columns
        if column.side is not None
    ]
