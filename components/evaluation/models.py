"""The names of the models that are judged beside each other."""

from __future__ import annotations

CANDIDATE = "candidate"
# The last blessed model.
BASELINE = "baseline"
# The simple ones: the click rate of the rows that train; each item's among them; a logistic regression.
CONSTANT = "constant"
ITEMS = "item_click_rate"
LOGISTIC = "logistic_regression"
