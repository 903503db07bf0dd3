"""A picture of the network, drawn from the weights of the exported model and its declaration."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from markupsafe import Markup, escape

from components.model_card.card import read_settings
from components.report.words import TIMES
from transform.declaration import Declaration, History, Numeric, Pretrained, WeightedList

_WIDTH, _BOX, _GAP, _MARGIN, _ASIDE = 760, 44, 14, 8, 150


@dataclasses.dataclass(frozen=True)
class Network:
    """The picture, and how many weights each part has."""

    picture: Markup
    parts: tuple[tuple[str, int], ...]

    @property
    def weights(self) -> int:
        return sum(count for _, count in self.parts)


def network(path: str, declaration: Declaration) -> Network | None:
    """The network of an exported model; None if it does not tell its weights' names.

    Args:
        path: The SavedModel's folder.
        declaration: The features that it was trained on.
    """
    shapes = weight_shapes(path)
    settings = read_settings(path).get("hyperparameters")
    if shapes is None or settings is None:
        return None
    parts: dict[str, int] = {}
    for name, shape in shapes.items():
        part = _part(name)
        if part:
            parts[part] = parts.get(part, 0) + math.prod(shape)
    return Network(_Picture(declaration, shapes, settings).svg(), tuple(parts.items()))


def weight_shapes(path: str) -> dict[str, tuple[int, ...]] | None:
    """The shape of each weight of an exported model, by its name."""
    file = os.path.join(path, "assets.extra", "weights.json")
    if not tf.io.gfile.exists(file):
        return None
    with tf.io.gfile.GFile(file) as text:
        names = json.loads(text.read())
    kept = tf.train.load_checkpoint(os.path.join(path, "variables", "variables")).get_variable_to_shape_map()
    shapes = {name: kept.get(f"weights/{place}/.ATTRIBUTES/VARIABLE_VALUE") for place, name in enumerate(names)}
    return {name: tuple(shape) for name, shape in shapes.items() if shape is not None}


def _part(name: str) -> str:
    for beginning, part in (
        ("table_", "embeddings"),
        ("pretrained_", "given vectors"),
        ("wide/", "wide part"),
        ("attention_", "attention"),
        ("match_bias_", "attention"),
        ("dnn/", "DNN"),
    ):
        if name.startswith(beginning):
            return part
    return ""


class _Picture:
    """Boxes from left to right by side, and from the top, the columns, down to the score."""

    def __init__(self, declaration: Declaration, shapes: Mapping[str, tuple[int, ...]], settings: Mapping[str, Any]) -> None:
        self._declaration, self._shapes, self._settings = declaration, shapes, settings
        self._parts: list[str] = []

    def svg(self) -> Markup:
        declaration, settings = self._declaration, self._settings
        dim = settings["embedding_dim"]
        attended = settings["interest_pooling"] == "attention"
        user = [
            f for f in declaration.features if getattr(f, "side", None) == "user" and not isinstance(f, History | Pretrained)
        ]
        items = [f for f in declaration.features if getattr(f, "side", None) == "item" and not isinstance(f, Pretrained)]
        columns: list[tuple[str, str, str]] = [("user", f.name, self._kind(f)) for f in user]
        columns += [("history", f.name, f"{len(f.columns)} aligned lists") for f in declaration.histories]
        columns += [("item", f.name, self._kind(f)) for f in items]
        cells = len(columns)
        width = max(_WIDTH, cells * 118)
        whole = width + (_ASIDE if settings["wide"] else 0)
        step = (width - 2 * _MARGIN) / cells
        top, embedding, pooled = 26, 118, 204
        centres = [_MARGIN + step * (n + 0.5) for n in range(cells)]
        for title, side in (("the user", "user"), ("the user\u2019s past", "history"), ("the candidate", "item")):
            of_side = [x for x, (kind, _, _) in zip(centres, columns, strict=True) if kind == side]
            if of_side:
                self._text((of_side[0] + of_side[-1]) / 2, 14, title, "side")
        for x, (side, name, kind) in zip(centres, columns, strict=True):
            self._box(x, top, step - _GAP, 52, [name, kind], side)
            self._line(x, top + 52, x, embedding)
            self._box(x, embedding, step - _GAP, _BOX, self._table(name, dim), "table")
            last = embedding + _BOX
            if side == "history":
                self._line(x, last, x, pooled)
                words = ["attention", "by candidate"] if attended else ["mean", "of all"]
                self._box(x, pooled, step - _GAP, _BOX, words, "attention" if attended else "table")
                last = pooled + _BOX
            self._line(x, last, x, 300)
        if attended:
            for history in declaration.histories:
                place = [name for _, name, _ in columns]
                x = centres[place.index(history.name)]
                asked = [centres[place.index(item)] for _, item in history.queries if item in place]
                right, y = x + (step - _GAP) / 2, pooled + _BOX / 2
                for one in asked:
                    self._path(f"M{one - 9:.0f} {embedding + _BOX} V{y} H{right:.0f}", "query")
                self._text(min(asked) - 16, y - 7, "query", "note end")
        kernel = self._shapes.get("dnn/split_dense/kernel 0", (0, 0))
        middle = width / 2
        self._box(width / 2, 300, width - 2 * _MARGIN, 34, [f"concatenated: {kernel[0]} numbers"], "joined")
        y, before = 300 + 34, float(width - 2 * _MARGIN)
        for number, units in enumerate(settings["dnn_hidden_units"], 1):
            box = max(130.0, min(before * 0.72, width * 0.5) * (0.8 ** (number - 1)))
            self._line(middle, y, middle, y + 18)
            note = f"{units} {settings['dnn_activation']}" + (
                f", dropout {settings['dropout']}" if settings["dropout"] else ""
            )
            self._box(middle, y + 18, box, 34, [note], "dnn")
            y, before = y + 18 + 34, box
        if settings["wide"]:
            aside = width + _ASIDE / 2
            crosses = self._shapes.get("wide/crosses 0", (0,))[0]
            lines = ["wide part", "a weight per token", "and column"] + ([f"{crosses} crosses"] if crosses else [])
            self._path(f"M{width - _MARGIN - _GAP / 2:.0f} {top + 26} H{aside:.0f} V{embedding + 20}", "arrow")
            self._box(aside, embedding + 20, _ASIDE - 2 * _MARGIN, 90, lines, "wide")
            self._path(f"M{aside:.0f} {embedding + 110} V{y + 44} H{middle + 24:.0f}", "arrow")
        self._line(middle, y, middle, y + 28)
        self._box(middle, y + 28, 44, 32, ["+" if settings["wide"] else "Σ"], "sum")
        self._line(middle, y + 60, middle, y + 78)
        self._box(middle, y + 78, 150, 34, ["sigmoid: the score"], "score")
        height = y + 78 + 34 + _MARGIN
        return Markup(
            f'<svg class="network" viewBox="0 0 {whole:.0f} {height:.0f}" width="{whole:.0f}" role="img" '
            'aria-label="The network: columns, embeddings, attention over the past, DNN and wide part, score">'
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0L8 4L0 8z"/></marker></defs>' + "".join(self._parts) + "</svg>"
        )

    def _kind(self, feature: object) -> str:
        if isinstance(feature, Numeric):
            return "number"
        if isinstance(feature, WeightedList):
            return f"weighted list, {feature.pooling}"
        return f"list, {getattr(feature, 'pooling', '')}" if hasattr(feature, "max_length") else "one id"

    def _table(self, name: str, dim: object) -> Sequence[str]:
        declaration = self._declaration
        histories = {history.name: history for history in declaration.histories}
        if name in histories:
            tables = [declaration.vocabulary_of(column) for column in histories[name].columns]
            return [" + ".join(tables), f"{len(tables)} {TIMES} {dim} wide"]
        if name in {feature.name for feature in declaration.numerics}:
            return ["standardised"]
        vocabulary = declaration.vocabulary_of(name)
        shape = self._shapes.get(f"table_{vocabulary}/embeddings 0")
        return [vocabulary, f"{shape[0]} {TIMES} {shape[1]}" if shape else ""]

    def _box(self, x: float, y: float, width: float, height: float, lines: Sequence[str], kind: str) -> None:
        self._parts.append(
            f'<rect class="{kind}" x="{x - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5"/>'
        )
        size = min(12.0, *(1.75 * width / max(len(line), 1) for line in lines)) if lines else 12.0
        start = y + height / 2 - 7.5 * (len(lines) - 1)
        for number, line in enumerate(lines):
            style = "name" if number == 0 else "note"
            self._parts.append(
                f'<text class="{style}" x="{x:.1f}" y="{start + 15 * number:.1f}" dominant-baseline="central" '
                f'style="font-size:{size:.1f}px">{escape(line)}</text>'
            )

    def _text(self, x: float, y: float, words: str, kind: str) -> None:
        self._parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>')

    def _line(self, x: float, y: float, to_x: float, to_y: float) -> None:
        self._path(f"M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}", "arrow")

    def _path(self, path: str, kind: str) -> None:
        self._parts.append(f'<path class="{kind}" d="{path}" marker-end="url(#tip)"/>')
