"""What Prometheus is told: the textfile, the push gateway, and the alerts that are made of it."""

from __future__ import annotations

import http.server
import re
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from pipeline.metrics import LAST_RUN, LAST_SUCCESS, NAMES, PREFIX, RunFacts, push, write

ALERTS = Path(__file__).parents[2] / "kubeflow" / "alerts.yaml"
FACTS = RunFacts(
    {
        "rows": {("read",): 10.0, ("used",): 9.0, ("rejected",): 1.0},
        "rejected_share": {(): 0.1},
        "model_metric": {("auc", "value"): 0.7, ("auc", "lower"): 0.69},
        "model_blessed": {(): 1.0},
        "model_forced": {(): 0.0},
        "model_published": {(): 1.0},
        "published_version": {(): 1795559470.0},
        "node_seconds": {("trainer",): 12.5},
    }
)


def read(text: str) -> dict[tuple[str, ...], float]:
    told = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = [value for name, value in sorted(sample.labels.items()) if name != "pipeline"]
            told[sample.name.removeprefix(PREFIX), *labels] = sample.value
    return told


def test_a_run_that_went_well_is_told_whole(tmp_path: Path) -> None:
    path = tmp_path / "metrics" / "community-din.prom"
    write(path, "community-din", FACTS, now=100.0)
    told = read(path.read_text())
    assert {name for name, *_ in told} == {*LAST_RUN, *LAST_SUCCESS}
    assert told["rows", "rejected"] == 1
    assert told["model_metric", "lower", "auc"] == 0.69
    assert told["published_version",] == 1795559470
    assert told["last_success_timestamp_seconds",] == told["last_run_timestamp_seconds",] == 100
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_after_a_failed_run_the_last_success_stays(tmp_path: Path) -> None:
    path = tmp_path / "community-din.prom"
    write(path, "community-din", FACTS, now=100.0)
    before = read(path.read_text())
    for now in (200.0, 300.0):
        write(path, "community-din", None, now=now)
    told = read(path.read_text())
    assert told == before | {("last_run_timestamp_seconds",): 300, ("last_run_succeeded",): 0}
    write(path, "community-din", RunFacts({}), now=400.0)
    told = read(path.read_text())
    assert ("rows", "read") not in told
    assert told["last_success_timestamp_seconds",] == 400


def test_a_first_run_that_fails_and_a_file_that_is_none_leave_no_success(tmp_path: Path) -> None:
    path = tmp_path / "community-din.prom"
    write(path, "community-din", None)
    assert set(read(path.read_text())) == {("last_run_timestamp_seconds",), ("last_run_succeeded",)}
    path.write_text("no {metrics\n")
    write(path, "community-din", None)
    assert set(read(path.read_text())) == {("last_run_timestamp_seconds",), ("last_run_succeeded",)}


class Gateway(http.server.BaseHTTPRequestHandler):
    """Takes what a push gateway takes, and remembers it."""

    received: list[tuple[str, str, dict[tuple[str, ...], float]]]

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.received.append((self.command, self.path, read(body)))
        self.send_response(202)
        self.end_headers()

    do_PUT = do_POST = _take

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[tuple[str, list[tuple[str, str, dict[tuple[str, ...], float]]]]]:
    received: list[tuple[str, str, dict[tuple[str, ...], float]]] = []
    kind = type("OneGateway", (Gateway,), {"received": received})
    server = http.server.HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_gateway_is_told_all_of_a_success_and_of_a_failure_nothing_that_replaces_it(
    gateway: tuple[str, list[tuple[str, str, dict[tuple[str, ...], float]]]],
) -> None:
    address, received = gateway
    push(address, "community-din", FACTS)
    push(address, "community-din", None)
    (put, path, whole), (post, same, failed) = received
    # A Pushgateway replaces a group by PUT, and by POST only the metrics of the names that are pushed.
    assert (put, post) == ("PUT", "POST")
    assert path == same == "/metrics/job/community_din_run/pipeline/community-din"
    assert {name for name, *_ in whole} == {*LAST_RUN, *LAST_SUCCESS}
    assert {name for name, *_ in failed} == set(LAST_RUN)


def test_the_alerts_name_only_what_is_told() -> None:
    rules = yaml.safe_load(ALERTS.read_text())
    assert (rules["apiVersion"], rules["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    alerts = [rule for group in rules["spec"]["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) > 5
    for rule in alerts:
        names = re.findall(rf"{PREFIX}\w+", rule["expr"])
        assert names, rule["alert"]
        assert set(names) <= set(NAMES), rule["alert"]
        labels = {label for name in names for label in (LAST_RUN | LAST_SUCCESS)[name.removeprefix(PREFIX)][0]}
        assert set(re.findall(r"(\w+)=\"", rule["expr"])) <= labels
        assert rule["annotations"]["summary"]
