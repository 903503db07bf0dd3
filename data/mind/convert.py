"""Converts the Microsoft News Dataset (news.tsv, behaviors.tsv) to interaction CSVs, a file a day.

    python -m data.mind --source MINDsmall_train --out DIR

Every labelled candidate of an impression becomes one row. What the row tells of the user comes from the impression's
history alone. The impressions are streamed: memory holds the table of the news, never the behaviors. The mapping of the
columns is in data/README.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from data.auc import popularity_auc
from data.csv_files import LAYOUTS, Layout, check_no_other_csvs, read_rows, span_path
from data.mind.source import KEYWORDS, Counts, Impression, Keyword, News, read_impressions, read_news
from data.mind.users import activity, history_cells, profile_cells
from data.span_writer import SpanWriter


@dataclasses.dataclass(frozen=True)
class MindConfig:
    """How the impressions are turned into rows and files.

    Args:
        layout: str. `folders`, `files` or `train-eval`.
        keyword: str. What `keyword_id` is: the `subcategory`, or the main `entity`.
        eval_days: int. With `train-eval`, how many of the last days evaluate.
        negative_share: float. Share of the candidates without a click that are kept, chosen by a hash.
        max_follows: int. Most topics in `follow_topic_id`.
    """

    layout: Layout = "folders"
    keyword: Keyword = "subcategory"
    eval_days: int = 1
    negative_share: float = 1.0
    max_follows: int = 10

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise ValueError(f"`layout` must be one of {LAYOUTS}. Received: {self.layout!r}.")
        if self.keyword not in KEYWORDS:
            raise ValueError(f"`keyword` must be one of {KEYWORDS}. Received: {self.keyword!r}.")
        for name in ("eval_days", "max_follows"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be positive. Received: {getattr(self, name)!r}.")
        if not 0.0 < self.negative_share <= 1.0:
            raise ValueError(f"`negative_share` must be above 0 and at most 1. Received: {self.negative_share!r}.")


@dataclasses.dataclass(frozen=True)
class Conversion:
    """What was written. `popularity_auc` is None unless the layout has an evaluation split."""

    train_paths: tuple[Path, ...]
    eval_paths: tuple[Path, ...]
    counts: Counts
    popularity_auc: float | None


def generate_rows(
    impression: Impression, news: Mapping[str, News], config: MindConfig, counts: Counts
) -> Iterator[list[str]]:
    """The rows of one impression, in the order of its candidates. `counts` notes the candidates and entries left out."""
    history = [news[news_id] for news_id in impression.history if news_id in news]
    counts.history_unknown += len(impression.history) - len(history)
    client_type = activity(len(impression.history))
    profile = profile_cells(history, config.max_follows)
    histories = history_cells(history)
    for news_id, clicked in impression.candidates:
        article = news.get(news_id)
        if article is None:
            counts.candidates_unknown += 1
        elif not clicked and not _kept(f"{impression.number} {news_id}", config.negative_share):
            counts.candidates_left_out += 1
        else:
            counts.rows += 1
            counts.clicks += clicked
            label = "1" if clicked else "0"
            item = (article.form, article.topic)
            yield [label, impression.user, client_type, *item, *profile, *histories, article.keyword]


def convert(sources: Sequence[Path], out: Path, config: MindConfig) -> Conversion:
    """Writes the CSVs of one or more parts of the dataset under `out`; they appear when all of them are complete.

    Raises:
        FileNotFoundError: A file of a part is missing; the message names its path.
        FileExistsError: `out` holds CSVs.
        ValueError: A part is given twice or has no labels, there is nothing to write, or no day is left to train on.
    """
    if not sources or len({source.resolve() for source in sources}) < len(sources):
        raise ValueError(f"`source` must name each part once. Received: {', '.join(map(str, sources)) or 'none'}.")
    check_no_other_csvs(out, ())
    behaviors = [source / "behaviors.tsv" for source in sources]
    for path in behaviors:
        path.open("rb").close()
    counts = Counts()
    news: dict[str, News] = {}
    for source in sources:
        read_news(source / "news.tsv", config.keyword, news, counts)
    with SpanWriter(out) as writer:
        for path in behaviors:
            for impression in read_impressions(path, counts):
                day = impression.time.date()
                for row in generate_rows(impression, news, config, counts):
                    writer.add(day, row)
        days = writer.days()
        if not days:
            raise ValueError(f"{behaviors[0]} must hold candidates that news.tsv knows. Received: none.")
        eval_days = _eval_days(days, config)
        paths = writer.publish(lambda day: span_path(out, config.layout, day, in_eval=day in eval_days))
    train = tuple(path for path, day in zip(paths, days, strict=True) if day not in eval_days)
    evaluation = tuple(path for path, day in zip(paths, days, strict=True) if day in eval_days)
    popularity = popularity_auc(read_rows(train), read_rows(evaluation)) if evaluation else None
    return Conversion(train, evaluation, counts, popularity)


def _eval_days(days: Sequence[datetime.date], config: MindConfig) -> set[datetime.date]:
    if config.layout != "train-eval":
        return set()
    if len(days) <= config.eval_days:
        raise ValueError(f"`eval_days` must be below the number of days = {len(days)}. Received: {config.eval_days!r}.")
    return set(days[-config.eval_days :])


def _kept(key: str, share: float) -> bool:
    return share >= 1.0 or zlib.crc32(key.encode()) < share * 2**32


def _parser() -> argparse.ArgumentParser:
    default = MindConfig()
    parser = argparse.ArgumentParser(prog="python -m data.mind", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--source", type=Path, required=True, nargs="+", action="extend", help="folders of news.tsv and behaviors.tsv"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write the CSVs into; it must hold none")
    parser.add_argument("--layout", choices=LAYOUTS, default=default.layout, help="where files lie (%(default)s)")
    parser.add_argument("--keyword", choices=KEYWORDS, default=default.keyword, help="what keyword_id is (%(default)s)")
    parser.add_argument(
        "--eval-days", type=int, default=default.eval_days, help="last days that evaluate, train-eval (%(default)s)"
    )
    parser.add_argument(
        "--negative-share", type=float, default=default.negative_share, help="candidates without click kept (%(default)s)"
    )
    parser.add_argument(
        "--max-follows", type=int, default=default.max_follows, help="most topics in follow_topic_id (%(default)s)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 2, with one line of explanation, when the arguments or files cannot be used."""
    arguments = vars(_parser().parse_args(argv))
    sources, out = arguments.pop("source"), arguments.pop("out")
    try:
        result = convert(sources, out, MindConfig(**arguments))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(_summary(result)))
    return 0


def _summary(result: Conversion) -> Iterator[str]:
    counts = result.counts
    files = len(result.train_paths) + len(result.eval_paths)
    yield f"rows         {counts.rows} in {files} files, click rate {counts.clicks / counts.rows:.4f}"
    if result.eval_paths:
        yield f"split        {len(result.train_paths)} days train, the last {len(result.eval_paths)} evaluate"
    yield f"impressions  {counts.impressions}, and {counts.impressions_malformed} malformed lines"
    yield (
        f"candidates   skipped: {counts.candidates_malformed} malformed, {counts.candidates_unknown} of unknown news, "
        f"{counts.candidates_left_out} left out by --negative-share"
    )
    yield f"histories    {counts.history_unknown} entries of unknown news dropped"
    yield (
        f"news         {counts.news}, and {counts.news_malformed} malformed lines; "
        f"{counts.entities_malformed} unreadable lists of entities"
    )
    if result.popularity_auc is not None:
        yield f"keyword-popularity AUC on eval  {result.popularity_auc:.4f}"
