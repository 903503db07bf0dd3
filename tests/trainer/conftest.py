"""The exported model that several test files call: training it takes a quarter of a minute."""

from __future__ import annotations

import pytest

from tests.support import EDGE_ROWS, rows_of_default
from tests.trainer.exported_model import ExportedModel, export_trained
from trainer.export_settings import ExportSettings
from transform.features import DECLARATION

ITEMS = [
    {"post_type": "1", "topic_id": "3", "keyword_id": "4"},
    {"post_type": "0", "topic_id": "0", "keyword_id": "0"},
    {"post_type": "2", "topic_id": "never seen", "keyword_id": "1"},
    {"post_type": "", "topic_id": "1", "keyword_id": ""},
]


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> ExportedModel:
    """The rows are `EDGE_ROWS`, and then each user of them with each of `ITEMS`."""
    rows = EDGE_ROWS + [user | item for user in EDGE_ROWS for item in ITEMS]
    folder = tmp_path_factory.mktemp("exported")
    return export_trained(DECLARATION, rows_of_default(200), rows, folder, ExportSettings(warmup_candidates=(2, 5)))
