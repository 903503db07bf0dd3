"""The settings of ingestion."""

from __future__ import annotations

from typing import Any

import pytest

from components.example_gen.settings import IngestionSettings


def test_settings_survive_a_struct_whose_numbers_are_floats() -> None:
    settings = IngestionSettings(max_rejected_share=0, max_row_bytes=100, max_list_length=7, dead_letter_received=0)
    floats = {name: float(value) for name, value in settings.to_dict().items()}
    assert IngestionSettings.from_dict(floats) == settings


def test_what_is_absent_has_its_default() -> None:
    assert IngestionSettings.from_dict({"max_list_length": 5.0}) == IngestionSettings(max_list_length=5)
    assert IngestionSettings.from_dict({}) == IngestionSettings()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_rejected_share": 1.5}, "`max_rejected_share` must lie between 0 and 1. Received: 1.5."),
        ({"max_rejected_share": float("nan")}, "`max_rejected_share` must lie between 0 and 1. Received: nan."),
        ({"max_rejected_share": "1"}, "`max_rejected_share` must lie between 0 and 1. Received: '1'."),
        ({"max_row_bytes": 0}, "`max_row_bytes` must be a whole number, at least 1. Received: 0."),
        ({"max_row_bytes": 1 << 31}, "`max_row_bytes` must be at most 1073741824. Received: 2147483648."),
        ({"max_list_length": 2.5}, "`max_list_length` must be a whole number, at least 1. Received: 2.5."),
        ({"dead_letter_received": -1}, "`dead_letter_received` must be a whole number, at least 0. Received: -1."),
        ({"dead_letter_received": True}, "`dead_letter_received` must be a whole number, at least 0. Received: True."),
        ({"max_rows": 1}, "Ingestion settings must be among max_rejected_share, .* Received: max_rows."),
    ],
)
def test_a_bad_setting_is_an_error_that_names_it(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        IngestionSettings.from_dict(values)
