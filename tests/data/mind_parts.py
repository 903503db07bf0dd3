"""Tiny parts of the MIND dataset, in the real files' format."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.csv_files import read_rows
from data.mind.convert import Conversion, MindConfig, convert

Row = dict[str, str]


def entity_list(*found: tuple[str, float, int]) -> str:
    return json.dumps(
        [
            {
                "Label": f"Label of {name}",
                "Type": "O",
                "WikidataId": name,
                "Confidence": confidence,
                "OccurrenceOffsets": [offset],
                "SurfaceForms": [name],
            }
            for name, confidence, offset in found
        ]
    )


def article(
    news_id: str, category: str, subcategory: str, abstract: str = "", title_entities: str = "[]", entities: str = "[]"
) -> str:
    url = f"https://assets.msn.com/labs/mind/{news_id}.html"
    title = 'Titles may hold "one quote, or more'
    return "\t".join([news_id, category, subcategory, title, abstract, url, title_entities, entities])


NEWS = [
    article("N1", "sports", "golf", "An abstract.", entity_list(("Q5", 0.9, 7), ("Q6", 1.0, 30), ("Q7", 1.0, 0))),
    article("N2", "sports", "football_nfl", "An abstract.", "[]", entity_list(("Q8", 0.5, 3))),
    article("N3", "foodanddrink", "recipes"),
    article("N4", "news", "newsus", "An abstract."),
]
TIME = "11/12/2019 2:14:46 PM"


def behavior(history: str, shown: str, *, number: int = 1, user: str = "U13740", time: str = TIME) -> str:
    return f"{number}\t{user}\t{time}\t{history}\t{shown}"


def write_part(folder: Path, behaviors: Sequence[str], news: Sequence[str] = NEWS, end: str = "\n") -> Path:
    folder.mkdir(parents=True)
    (folder / "behaviors.tsv").write_bytes("".join(line + end for line in behaviors).encode())
    (folder / "news.tsv").write_bytes("".join(line + end for line in news).encode())
    return folder


def convert_part(tmp_path: Path, behaviors: Sequence[str], **settings: Any) -> tuple[Conversion, list[Row]]:
    news, end = settings.pop("news", NEWS), settings.pop("end", "\n")
    source = write_part(tmp_path / "source", behaviors, news, end)
    result = convert([source], tmp_path / "out", MindConfig(**settings))
    return result, list(read_rows([*result.train_paths, *result.eval_paths]))
