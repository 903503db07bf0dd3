"""Ways in which an exported version can be broken."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.serving.support import MODEL, VERSION


def damaged(models: Path, folder: Path, damage: Callable[[Path], None]) -> Path:
    path = folder / "model" / "Format-Serving"
    shutil.copytree(models / MODEL / str(VERSION), path)
    damage(path)
    return path


def edited(path: Path, edit: Callable[[saved_model_pb2.SavedModel], None]) -> None:
    file = path / "saved_model.pb"
    proto = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    edit(proto)
    file.write_bytes(proto.SerializeToString())


def swap_columns(path: Path) -> None:
    """`rank` takes the topics for the keywords, where a session runs it, as a server does."""

    def edit(proto: saved_model_pb2.SavedModel) -> None:
        inputs = proto.meta_graphs[0].signature_def["rank"].inputs
        topic, keyword = inputs["topic_id"].name, inputs["keyword_id"].name
        inputs["topic_id"].name, inputs["keyword_id"].name = keyword, topic

    edited(path, edit)


def drop_explain(path: Path) -> None:
    edited(path, lambda proto: proto.meta_graphs[0].signature_def.pop("explain"))


def lose_vocabulary(path: Path) -> None:
    sorted((path / "assets").iterdir())[0].unlink()


def spoil_warmup(path: Path) -> None:
    with tf.io.TFRecordWriter(str(path / "assets.extra" / "tf_serving_warmup_requests")) as writer:
        writer.write(b"no PredictionLog")


def empty_warmup(path: Path) -> None:
    (path / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"")


def cut_variables(path: Path) -> None:
    file = path / "variables" / "variables.data-00000-of-00001"
    file.write_bytes(file.read_bytes()[:100])


def make_weights_nan(path: Path) -> None:
    prefix = str(path / "variables" / "variables")
    reader = tf.train.load_checkpoint(prefix)
    tensors = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    for name, value in tensors.items():
        if getattr(value, "dtype", None) == np.float32:
            tensors[name] = np.full_like(value, np.nan)
    names = sorted(tensors)
    tf.raw_ops.SaveV2(
        prefix=prefix, tensor_names=names, shape_and_slices=[""] * len(names), tensors=[tensors[n] for n in names]
    )


def hang(path: Path) -> None:
    """Who reads the index of the variables waits for ever."""
    index = path / "variables" / "variables.index"
    index.unlink()
    os.mkfifo(index)
