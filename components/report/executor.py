"""The executor of ModelReport."""

from __future__ import annotations

import os
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.report.build import build
from components.report.settings import ReportSettings
from transform.features import DECLARATION

REPORT = "report"
SETTINGS = "settings"
JUDGE_SPLIT = "judge_split"
REPORT_HTML = "report.html"

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Writes the report."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = ReportSettings.from_json(exec_properties[SETTINGS])
        page = build(input_dict, DECLARATION, settings, exec_properties[JUDGE_SPLIT])
        output = artifact_utils.get_single_instance(output_dict[REPORT])
        fileio.makedirs(output.uri)
        with fileio.open(os.path.join(output.uri, REPORT_HTML), "w") as file:
            file.write(page)
