"""What a report shows, and of how many rows."""

from __future__ import annotations

from settings.base import Settings, setting


class ReportSettings(Settings):
    """The report of a run."""

    report_rows: int = setting(
        2000, "About how many of the judging rows tell what each feature is worth; 0 leaves that out.", ge=0
    )
    report_impressions: int = setting(
        3,
        "How many users' histories are shown as the attention lights them. They are user data, without the user; 0 shows "
        "none.",
        ge=0,
        le=20,
    )
