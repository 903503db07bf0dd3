"""Where the metrics of runs go."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.base import Settings, setting


class MetricsSettings(Settings):
    """Metrics for Prometheus."""

    metrics_file: Annotated[str, Field(pattern=r"\.prom$")] | None = setting(
        None,
        "The file that node_exporter's textfile collector reads, `*.prom`, written anew at the end of each run on this "
        "machine; `none` is STATE_ROOT/metrics/PIPELINE_NAME.prom.",
    )
    push_gateway: Annotated[str, Field(min_length=1)] | None = setting(
        None, "The address of a Prometheus Pushgateway, `HOST:PORT`, that is told the same; or `none`."
    )
