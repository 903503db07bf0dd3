"""Out-of-vocabulary rates, by numbers counted by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, TransformGraph

from components.artifacts import VocabularyCoverage
from components.data_bounds import DataBounds
from components.validation_gate import BadDataError
from components.vocabulary_validator.executor import Executor
from components.vocabulary_validator.oov_rate import OOV_RATES, read_oov_rates
from tests.support import TRANSFORMED, analyze, raw_row
from transform.features import DECLARATION

# Candidates: topic 3, keyword 4. The vocabularies: topics 0, 1, 3, keywords 2, 4.
TRAINING = [raw_row(), raw_row()]
JUDGED = [
    raw_row(),
    raw_row(
        topic_id="99",
        follow_topic_id="3,77",
        all_topic_fav_7="",
        hist_topic_id="88,1",
        hist_keyword_id="4,66",
        keyword_id="2",  # In the vocabulary, but never a candidate.
    ),
    raw_row(follow_topic_id="", all_topic_fav_7="", hist_topic_id="", hist_keyword_id=""),
]
VOCABULARIES = {"client_type": 0.0, "post_type": 0.0, "topic": 3 / 13, "keyword": 2 / 7}
COLUMNS = {
    "client_type": 0.0,
    "post_type": 0.0,
    "topic_id": 1 / 3,
    "follow_topic_id": 1 / 4,
    "all_topic_fav_7": 0.0,
    "hist_topic_id": 1 / 4,
    "keyword_id": 1 / 3,
    "hist_keyword_id": 1 / 4,
}


@pytest.fixture(scope="module")
def transformed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of Transform's output for both lists of rows; the second is split eval of the examples."""
    folder = tmp_path_factory.mktemp("transformed")
    analyze(TRAINING, JUDGED, DECLARATION, folder)
    (folder / "examples" / "Split-eval").mkdir(parents=True)
    shutil.copy(folder / TRANSFORMED, folder / "examples" / "Split-eval" / "transformed-00000-of-00001.gz")
    return folder


def examples(transformed: Path) -> Examples:
    artifact = Examples()
    artifact.uri = str(transformed / "examples")
    artifact.split_names = artifact_utils.encode_split_names(["eval"])
    return artifact


def validated(transformed: Path, output: Path, bounds: DataBounds, times: int = 1) -> VocabularyCoverage:
    graph = TransformGraph()
    graph.uri = str(transformed)
    coverage = VocabularyCoverage()
    coverage.uri = str(output)
    Executor().Do(
        {"transformed_examples": [examples(transformed)] * times, "transform_graph": [graph]},
        {"coverage": [coverage]},
        {"bounds": bounds.to_json(), "split": "eval", "code_fingerprint": ""},
    )
    return coverage


def test_rates_are_counted_over_tokens_without_padding(transformed: Path, tmp_path: Path) -> None:
    coverage = validated(transformed, tmp_path, DataBounds())
    assert read_oov_rates(str(tmp_path)) == pytest.approx(COLUMNS)
    for vocabulary, columns in DECLARATION.vocabularies.items():
        for column in columns:
            rate = coverage.get_float_custom_property(f"oov_rate/{vocabulary}/{column}")
            assert rate == pytest.approx(COLUMNS[column])
    for vocabulary, rate in VOCABULARIES.items():
        assert coverage.get_float_custom_property(f"oov_rate/{vocabulary}") == pytest.approx(rate)


def test_a_candidate_that_is_rare_among_candidates_is_out_of_vocabulary(transformed: Path, tmp_path: Path) -> None:
    coverage = validated(transformed, tmp_path, DataBounds())
    assert coverage.get_float_custom_property("oov_rate/keyword/keyword_id") == pytest.approx(1 / 3)
    assert coverage.get_float_custom_property("oov_rate/keyword/hist_keyword_id") == pytest.approx(1 / 4)


def test_examples_of_several_artifacts_count_together(transformed: Path, tmp_path: Path) -> None:
    validated(transformed, tmp_path, DataBounds(), times=2)
    assert read_oov_rates(str(tmp_path)) == pytest.approx(COLUMNS)
    assert json.loads((tmp_path / OOV_RATES).read_text())["columns"]["topic_id"]["tokens"] == 6


def test_the_candidates_columns_come_first(transformed: Path, tmp_path: Path) -> None:
    validated(transformed, tmp_path, DataBounds())
    assert list(read_oov_rates(str(tmp_path)))[:3] == ["post_type", "topic_id", "keyword_id"]


def test_unknown_candidates_stop_the_run_however_long_the_histories_are(tmp_path: Path) -> None:
    history = ",".join(["1", "3"] * 20)
    known = raw_row(hist_topic_id=history, hist_keyword_id=history)
    unknown = raw_row(topic_id="99", keyword_id="98", hist_topic_id=history, hist_keyword_id=history)
    analyze([known] * 2, [unknown] * 5, DECLARATION, tmp_path)
    (tmp_path / "examples" / "Split-eval").mkdir(parents=True)
    shutil.copy(tmp_path / TRANSFORMED, tmp_path / "examples" / "Split-eval" / "transformed-00000-of-00001.gz")
    with pytest.raises(BadDataError) as error:
        validated(tmp_path, tmp_path / "coverage", DataBounds())
    told = str(error.value).splitlines()[1:]
    expected = "1.0000 of 5 tokens, the bound 0.5000"
    assert told == [f"  topic_id: {expected}", f"  keyword_id: {expected}"]


def test_a_rate_above_its_bound_stops_the_run(transformed: Path, tmp_path: Path) -> None:
    with pytest.raises(BadDataError) as error:
        validated(transformed, tmp_path, DataBounds(max_oov_rate_of={"keyword": 0.3, "hist_keyword_id": 0.2}))
    told = str(error.value).splitlines()[1:]
    assert told == [
        "  keyword_id: 0.3333 of 3 tokens, the bound 0.3000",
        "  hist_keyword_id: 0.2500 of 4 tokens, the bound 0.2000",
    ]
