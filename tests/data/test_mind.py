"""What the MIND converter makes of an impression: rows from labelled candidates, user columns from the history alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.csv_files import HEADER
from tests.data.mind_parts import NEWS, article, behavior, convert_part, entity_list
from tests.data.strict_reader import accepted_rows


def test_each_labelled_candidate_becomes_a_row(tmp_path: Path) -> None:
    result, rows = convert_part(tmp_path, [behavior("N3 N1 N2", "N4-1 N1-0")])
    user = ["U13740", "new"]
    told = [
        "sports,foodanddrink",
        "sports:0.6667,foodanddrink:0.3333",
        "foodanddrink,sports,sports",
        "recipes,golf,football_nfl",
    ]
    assert rows == [
        dict(zip(HEADER, ["1", *user, "abstract", "news", *told, "newsus"], strict=True)),
        dict(zip(HEADER, ["0", *user, "abstract+entities", "sports", *told, "golf"], strict=True)),
    ]
    assert result.train_paths == (tmp_path / "out" / "2019-11-12" / "interactions.csv",)
    assert (result.counts.rows, result.counts.clicks) == (2, 1)


def test_empty_history_knows_nothing(tmp_path: Path) -> None:
    _, rows = convert_part(tmp_path, [behavior("", "N3-0")])
    cells = ["0", "U13740", "new", "title", "foodanddrink", "", "", "", "", "recipes"]
    assert rows == [dict(zip(HEADER, cells, strict=True))]


def test_user_columns_do_not_tell_the_label(tmp_path: Path) -> None:
    _, clicked = convert_part(tmp_path / "a", [behavior("N1 N2", "N3-1 N4-0")])
    _, other = convert_part(tmp_path / "b", [behavior("N1 N2", "N3-0 N4-1")])
    assert [{**row, "act": ""} for row in clicked] == [{**row, "act": ""} for row in other]


def test_history_keeps_the_newest_fifty_and_profiles_all_of_it(tmp_path: Path) -> None:
    _, (row,) = convert_part(tmp_path, [behavior(" ".join(["N3"] * 30 + ["N1"] * 30), "N4-1")])
    assert row["hist_keyword_id"] == ",".join(["recipes"] * 20 + ["golf"] * 30)
    assert row["all_topic_fav_7"] == "foodanddrink:0.5000,sports:0.5000"


def test_client_type_counts_the_whole_history(tmp_path: Path) -> None:
    lines = [behavior(" ".join(["N1"] * length), "N4-1", number=length) for length in (4, 5, 49, 50)]
    _, rows = convert_part(tmp_path, [*lines, behavior("N1 N9 N9 N9 N9", "N4-1")])
    assert [row["client_type"] for row in rows] == ["new", "casual", "casual", "heavy", "casual"]


def test_follows_are_cut_to_the_most_frequent(tmp_path: Path) -> None:
    _, (row,) = convert_part(tmp_path, [behavior("N4 N3 N3 N1 N2", "N4-1")], max_follows=2)
    assert row["follow_topic_id"] == "foodanddrink,sports"


def test_favourites_stay_within_the_declared_length(tmp_path: Path) -> None:
    news = [article(f"N{i}", f"topic {i:02}", "any") for i in range(60)]
    _, (row,) = convert_part(tmp_path, [behavior(" ".join(f"N{i}" for i in range(60)), "N1-1")], news=news)
    assert row["all_topic_fav_7"] == ",".join(f"topic {i:02}:0.0167" for i in range(50))


def test_main_entity_is_the_surest_then_the_first_then_the_subcategory(tmp_path: Path) -> None:
    news = [*NEWS, article("N5", "news", "newsus", "Too.", entity_list(("Q1", 0.1, 0)), entity_list(("Q2", 0.9, 0)))]
    part = [behavior("N1 N4", "N1-1 N2-0 N3-0 N5-0")]
    _, rows = convert_part(tmp_path, part, news=news, keyword="entity")
    assert [row["keyword_id"] for row in rows] == ["Q7", "Q8", "recipes", "Q1"]
    assert {row["hist_keyword_id"] for row in rows} == {"Q7,newsus"}


@pytest.mark.parametrize(
    "entities", ["[{", "5", '["Q1"]', '[{"WikidataId": "Q1"}]', '[{"WikidataId": 1, "Confidence": 1e999}]', "[" * 99_999]
)
def test_unreadable_entities_are_counted_and_count_as_none(tmp_path: Path, entities: str) -> None:
    news = [article("N1", "sports", "golf", "", entities, ""), article("N2", "sports", "golf", "", entities, "{[")]
    result, rows = convert_part(tmp_path, [behavior("", "N1-1")], news=news, keyword="entity")
    assert [(row["post_type"], row["keyword_id"]) for row in rows] == [("title", "golf")]
    assert result.counts.entities_malformed == 3
    assert result.counts.news_malformed == 0


def test_tokens_are_free_of_separators_and_of_what_does_not_print(tmp_path: Path) -> None:
    entity = entity_list(("Q1,\u0000 2:\ud800", 1.0, 0))
    news = [article("N1", "food, drink:\x0bmore", 'a"b', "", entity), article("N2", "a\u2028b", "c\0d")]
    _, rows = convert_part(tmp_path / "a", [behavior("N1 N2", "N1-1 N2-0")], news=news)
    assert [row["topic_id"] for row in rows] == ["food drink more", "a b"]
    assert rows[0]["hist_keyword_id"] == 'a"b,c d'
    _, rows = convert_part(tmp_path / "b", [behavior("N1 N2", "N1-1")], news=news, keyword="entity")
    assert rows[0]["keyword_id"] == "Q1 2"


def test_unknown_news_are_dropped_from_histories_and_skipped_as_candidates(tmp_path: Path) -> None:
    result, rows = convert_part(tmp_path, [behavior("N1 N9 N3", "N9-1 N4-1 N8-0")])
    assert [row["hist_topic_id"] for row in rows] == ["sports,foodanddrink"]
    assert (result.counts.history_unknown, result.counts.candidates_unknown, result.counts.rows) == (1, 2, 1)


def test_converted_rows_pass_the_strict_reader(tmp_path: Path) -> None:
    news = [*NEWS, article("N5", 'a "quoted", topic', "é:ü", "x", entity_list(("Q9", 1.0, 0)))]
    lines = [behavior("", "N1-1 N5-0"), behavior("N5 N9 N1", "N2-1 N5-1"), behavior(" ".join(["N5"] * 70), "N3-0")]
    result, rows = convert_part(tmp_path, lines, news=news)
    (path,) = result.train_paths
    assert accepted_rows(path) == rows
    assert len(rows) == 5
