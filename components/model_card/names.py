"""The names of a model card's files."""

from __future__ import annotations

CARD_JSON = "model_card.json"
CARD_TEXT = "model_card.md"
CARDS = (CARD_JSON, CARD_TEXT)
