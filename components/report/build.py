"""Makes the page of a run's report."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from tfx.dsl.io import fileio
from tfx.utils import path_utils

from components.evaluation.bounds import Bounds
from components.evaluation.kept_bounds import read_bounds
from components.evaluation.score_counts import read_score_counts
from components.evaluation.verdict import Evaluation, read_evaluation
from components.model_card.files import read_card
from components.report import model_charts, score_charts, span_charts, verdict
from components.report.attention import contrasts
from components.report.heat import heat_maps
from components.report.importance import importances
from components.report.network import network
from components.report.page import render
from components.report.sample import Served, draw
from components.report.settings import ReportSettings
from components.report.sources import Sources, one
from trainer.history_file import read_history
from transform.declaration import Declaration


def build(sources: Sources, declaration: Declaration, settings: ReportSettings, judge_split: str) -> str:
    """The page; what the run has not come to is said there.

    Args:
        sources: The artifacts, by the names of `components.report.sources`.
        declaration: The declared features.
        settings: What is shown.
        judge_split: The split that judges.
    """
    evaluated, card = one(sources, "evaluation"), one(sources, "model_card")
    evaluation = read_evaluation(evaluated.uri) if evaluated is not None else None
    bounds = (read_bounds(evaluated.uri) if evaluated is not None else None) or Bounds()
    values: dict[str, Any] = {
        "card": read_card(card.uri) if card is not None else None,
        "publication": verdict.publication(sources),
        "spans": span_charts.of_spans(sources),
        "settings": settings,
    }
    if evaluation is not None:
        values |= _of_evaluation(evaluation, evaluated, bounds)
    values |= _of_model(sources, declaration, settings, judge_split)
    return render(values)


def _of_evaluation(evaluation: Evaluation, artifact: Any, bounds: Bounds) -> dict[str, Any]:
    return {
        "evaluation": evaluation,
        "bounds": verdict.bounds_of(evaluation, bounds),
        "min_slice_rows": bounds.min_slice_rows,
        "confidence": bounds.confidence,
        "quality": model_charts.of_quality(evaluation),
        "curves": score_charts.of_scores(read_score_counts(artifact.uri)),
    }


def _of_model(sources: Sources, declaration: Declaration, settings: ReportSettings, judge_split: str) -> dict[str, Any]:
    model, dataset, training = one(sources, "model"), one(sources, "dataset"), one(sources, "model_run")
    values: dict[str, Any] = {}
    if training is not None:
        values["training"] = model_charts.of_training(read_history(training.uri))
    if model is None or dataset is None:
        return values
    path = path_utils.serving_model_path(model.uri)
    if not fileio.exists(os.path.join(path, "saved_model.pb")):
        return values
    values["network"] = network(path, declaration)
    if settings.report_rows or settings.report_impressions:
        sample = draw(judging_files(dataset, judge_split), declaration, settings.report_rows or 1000)
        with contextlib.closing(Served(path)) as served:
            worth = importances(served, sample, declaration) if settings.report_rows else []
            found = contrasts(served, sample, declaration, settings.report_impressions)
        values["importance"] = model_charts.of_importance(worth)
        values["worth"] = worth
        values["sample"] = sample
        values |= {"heat": heat_maps(found.contrasts), "looked_at": found.looked_at}
    return values


def judging_files(dataset: Any, split: str) -> list[str]:
    """The files of the rows that judge."""
    folder = os.path.join(dataset.uri, f"Split-{split}")
    return [os.path.join(folder, name) for name in sorted(fileio.listdir(folder))] if fileio.exists(folder) else []
