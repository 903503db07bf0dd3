"""The settings of ingestion, on their way through TFX's custom configuration."""

from __future__ import annotations

import json

from components.example_gen.settings import IngestionSettings


def test_settings_survive_a_struct_whose_numbers_are_floats() -> None:
    settings = IngestionSettings(max_rejected_share=0, max_row_bytes=100, max_list_length=7, dead_letter_received=0)
    floats = {name: float(value) for name, value in settings.to_dict().items()}
    assert IngestionSettings.from_json(json.dumps(floats)) == settings
