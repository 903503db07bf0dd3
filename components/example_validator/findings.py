"""What a validation has found: each measure with its value, its bound and its verdict, for machines and for people."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

from tfx.dsl.io import fileio

REPORT_JSON = "report.json"
REPORT_TEXT = "report.txt"
DATASET = "(rows)"

_HEADER = ("verdict", "split", "feature", "measure", "value", "bound", "detail")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One measure of one feature.

    Args:
        split: The split that was measured.
        feature: The feature's name, or `DATASET`.
        measure: 'drift', 'skew', 'new_tokens' or 'missing', or the name of TFDV's anomaly type.
        value: What was measured, or None if only `detail` says so.
        bound: The largest value that passes, likewise.
        passed: Whether the bound holds.
        tolerated: Whether a broken bound is a warning only.
        detail: The words for a person.
    """

    split: str
    feature: str
    measure: str
    value: float | None
    bound: float | None
    passed: bool
    tolerated: bool
    detail: str

    @property
    def verdict(self) -> str:
        """'ok', 'warning' or 'SEVERE'. Only what is severe stops a run."""
        return "ok" if self.passed else "warning" if self.tolerated else "SEVERE"

    def __str__(self) -> str:
        numbers = "" if self.value is None else f" is {self.value:.4g}, the bound {self.bound:.4g}"
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.feature}, {self.split} split: {self.measure}{numbers}{detail}"


@dataclasses.dataclass(frozen=True)
class Report:
    """All findings about one span.

    Args:
        span: The span's name; empty for data without spans.
        previous_span: The name of the span it was compared with, or None: a cold start, without any drift measured.
        rows: The number of rows of each split.
        findings: What was found, passed or not.
    """

    span: str
    previous_span: str | None
    rows: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def title(self) -> str:
        """What the report is about, in words."""
        return f"Span {self.span}" if self.span else "Data without spans"

    @property
    def severe(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.verdict == "SEVERE")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.verdict == "warning")

    def render(self) -> str:
        """The report as a plain text table, the worst first."""
        reference = "a cold start: there is no earlier accepted span, so that drift is not measured"
        if self.previous_span is not None:
            reference = f"compared with span {self.previous_span}, the last accepted one before it"
        ordered = sorted(self.findings, key=lambda finding: ("SEVERE", "warning", "ok").index(finding.verdict))
        lines = [_HEADER, *(_cells(finding) for finding in ordered)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADER))]
        rows = ", ".join(f"{count} in {split}" for split, count in self.rows.items())
        head = [
            f"{self.title}: {reference}.",
            f"Rows: {rows}. {len(self.severe)} severe, {len(self.warnings)} warnings, {len(self.findings)} checks.",
            "",
        ]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
        return "\n".join([*head, *table, ""])

    def write(self, uri: str) -> None:
        """Writes `REPORT_JSON` and `REPORT_TEXT` into the folder `uri`."""
        with fileio.open(os.path.join(uri, REPORT_JSON), "w") as file:
            file.write(json.dumps(dataclasses.asdict(self), indent=1))
        with fileio.open(os.path.join(uri, REPORT_TEXT), "w") as file:
            file.write(self.render())


def read_report(uri: str) -> Report:
    """Reads what `Report.write` wrote into the folder `uri`."""
    with fileio.open(os.path.join(uri, REPORT_JSON)) as file:
        values: dict[str, Any] = json.loads(file.read())
    findings = tuple(Finding(**finding) for finding in values.pop("findings"))
    return Report(**values, findings=findings)


def _cells(finding: Finding) -> tuple[str, ...]:
    numbers = ["-" if number is None else f"{number:.4f}" for number in (finding.value, finding.bound)]
    return (finding.verdict, finding.split, finding.feature, finding.measure, *numbers, finding.detail)
