"""The features: the one place to edit. To add one, add a line here and a column of its name to the CSVs.

The schema, the CSV reader, preprocessing, the model's inputs, embeddings and attention, the serving signatures, and the
evaluation's slices follow from it. `transform/declaration.py` explains the kinds; columns that name the same vocabulary
share it and its embeddings.
"""

from __future__ import annotations

from transform.declaration import Category, CategoryList, Declaration, Group, History, Label, WeightedList

DECLARATION = Declaration(
    (
        Label("act"),
        Group("client_id"),
        Category("client_type", side="user", slice=True),
        Category("post_type", side="item", slice=True),
        Category("topic_id", side="item", vocabulary="topic"),
        CategoryList("follow_topic_id", side="user", vocabulary="topic"),
        WeightedList("all_topic_fav_7", side="user", vocabulary="topic"),
        History("history", queries=(("hist_topic_id", "topic_id"), ("hist_keyword_id", "keyword_id"))),
        Category("keyword_id", side="item", vocabulary="keyword"),
    )
)
