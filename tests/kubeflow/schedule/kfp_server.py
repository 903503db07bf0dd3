"""A stand-in for the API server of Kubeflow Pipelines 2: the v2beta1 calls that the schedule uses, over HTTP, in memory.

It refuses what the real one refuses (api_models.py), answers as it does (snake case, empty fields left out, int64 as text),
deletes with a recurring run what belongs to it, and lets runs make headway with each look at them (kfp_runs.py).
"""

from __future__ import annotations

import asyncio
import datetime
import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Any

import yaml
from aiohttp import web
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.schedule.api_models import (
    InvalidRequestError,
    check_cron,
    check_parameters,
    check_propagation,
    check_spec,
    checked,
    fits,
    predicates,
)
from tests.kubeflow.schedule.kfp_runs import ENDED, Headway

API = "/apis/v2beta1"
Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class KfpServer:
    """The server's state, and the switches that a test turns.

    Attributes:
        host: Its address.
        version: What it says it is.
        multi_user: Whether calls must name a namespace.
        tokens: The bearer tokens that it takes; without any it wants none.
        seen_tokens: Those that it was given.
        renewed_with: How many runs are there when the tokens expire and `new` takes their place.
        unanswered: How many of the next starts of a run it carries out and does not answer.
        log_in: Whether it sends who has no cookie to a log-in page.
        only_v1: Whether it has but the old API.
        behind_ui: Whether the user interface stands before it, which answers for its health in words of its own.
        ready: Whether it answers the user interface.
        headway: How far runs are, which fail, and which were killed.
        unavailable: The end of the paths that it answers with 503.
        out_of_order: How many of the next looks at a run it answers with 503.
        together: How many creations of a recurring run it lets through at a time.
        late: The recurring run of whose next run the server hears only after somebody has asked for the runs.
        lost: The recurring runs whose object somebody has deleted from Kubernetes.
        requests: The calls, as `METHOD path`.
    """

    def __init__(self) -> None:
        self.host = ""
        self.version = "2.16.0"
        self.multi_user = False
        self.tokens: set[str] = set()
        self.seen_tokens: set[str] = set()
        self.renewed_with: int | None = None
        self.unanswered = 0
        self.log_in = False
        self.only_v1 = False
        self.behind_ui = False
        self.ready = True
        self.headway = Headway()
        self.unavailable: str | None = None
        self.out_of_order = 0
        self.together = 1
        self.late: str | None = None
        self.lost: set[str] = set()
        self.requests: list[str] = []
        self.experiments: dict[str, Json] = {}
        self.pipelines: dict[str, Json] = {}
        self.versions: dict[str, Json] = {}
        self.recurring_runs: dict[str, Json] = {}
        self.runs: dict[str, Json] = {}
        self._specs: dict[str, pipeline_spec_pb2.PipelineSpec] = {}
        self._numbers = itertools.count(1)
        self._waiting: list[asyncio.Event] = []

    def application(self) -> web.Application:
        """The routes."""
        application = web.Application(middlewares=[self._gate])
        collections = {
            "experiments": self.experiments,
            "pipelines": self.pipelines,
            "recurringruns": self.recurring_runs,
            "runs": self.runs,
        }
        for name, items in collections.items():
            application.router.add_get(f"{API}/{name}", self._list(name, items))
        application.router.add_get(f"{API}/pipelines/{{id}}/versions", self._list("versions", self.versions))
        application.router.add_get(f"{API}/pipelines/{{pipeline}}/versions/{{id}}", self._get(self.versions))
        application.router.add_post(f"{API}/experiments", self._create_experiment)
        application.router.add_post(f"{API}/pipelines", self._create_pipeline)
        application.router.add_post(f"{API}/pipelines/upload_version", self._upload_version)
        application.router.add_post(f"{API}/recurringruns", self._create_recurring_run)
        application.router.add_post(f"{API}/recurringruns/{{id}}:{{switch:enable|disable}}", self._switch)
        application.router.add_delete(f"{API}/recurringruns/{{id}}", self._delete_recurring_run)
        application.router.add_post(f"{API}/runs", self._create_run)
        application.router.add_get(f"{API}/runs/{{id}}", self._look_at_run)
        application.router.add_get(f"{API}/healthz", self._health)
        application.router.add_get("/apis/v1beta1/healthz", self._health)
        application.router.add_get("/login", self._log_in_page)
        return application

    def named(self, name: str) -> list[Json]:
        """The recurring runs of that name."""
        return [run for run in self.recurring_runs.values() if run["display_name"] == name]

    @web.middleware
    async def _gate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        if self.log_in and "Cookie" not in request.headers and request.path != "/login":
            raise web.HTTPFound("/login")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.seen_tokens.add(token)
        if self.tokens and token not in self.tokens:
            return _error(401, "the token is not valid")
        if self.only_v1 and request.path.startswith(API):
            return _error(404, "Not Found")
        if self.unavailable is not None and request.path.endswith(self.unavailable):
            return _error(503, "no healthy upstream")
        try:
            return await handler(request)
        except InvalidRequestError as error:
            return _error(400, str(error))
        except KeyError as error:
            return _error(404, f"{error} not found")

    async def _health(self, request: web.Request) -> web.Response:
        if not self.behind_ui:
            return web.json_response({"commit_sha": "unknown", "tag_name": self.version, "multi_user": self.multi_user})
        own = {"buildDate": "", "frontendCommitHash": "unknown", "frontendTagName": self.version}
        said = {"apiServerTagName": self.version, "apiServerMultiUser": self.multi_user, "multi_user": self.multi_user}
        return web.json_response(own | {"apiServerReady": self.ready} | (said if self.ready else {}))

    async def _log_in_page(self, request: web.Request) -> web.Response:
        return web.Response(text="<html>Log in</html>", content_type="text/html")

    def _list(self, name: str, items: dict[str, Json]) -> Handler:
        keys = {"recurringruns": "recurringRuns", "versions": "pipeline_versions"}

        async def handler(request: web.Request) -> web.Response:
            query = request.query
            experiment = query.get("experiment_id")
            if self.multi_user and name != "versions" and not (query.get("namespace") or experiment):
                raise InvalidRequestError("a namespace is needed in multi-user mode")
            wanted = predicates(query.get("filter"), ("display_name", "recurring_run_id", "state"))
            if experiment:
                wanted.append(("EQUALS", "experiment_id", experiment))
            if name == "versions":
                wanted.append(("EQUALS", "pipeline_id", request.match_info["id"]))
            seen = [self._look(item) for item in items.values()] if name == "runs" else items.values()
            found = [item for item in seen if fits(item, wanted)]
            if name == "runs" and self.late:
                self.trigger(self.late)
                self.late = None
            start, size = int(query.get("page_token") or 0), int(query.get("page_size") or 10)
            page = {keys.get(name, name): found[start : start + size], "total_size": len(found)}
            if start + size < len(found):
                page["next_page_token"] = str(start + size)
            return web.json_response(page)

        return handler

    def _get(self, items: dict[str, Json]) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            return web.json_response(items[request.match_info["id"]])

        return handler

    async def _create_experiment(self, request: web.Request) -> web.Response:
        body = checked(await request.json(), "V2beta1Experiment")
        if any(found["display_name"] == body["display_name"] for found in self.experiments.values()):
            return _error(409, "Failed to create a new experiment: the name exists")
        return self._store(self.experiments, "experiment_id", body)

    async def _create_pipeline(self, request: web.Request) -> web.Response:
        body = checked(await request.json(), "V2beta1Pipeline")
        if any(found["display_name"] == body["display_name"] for found in self.pipelines.values()):
            return _error(409, "Failed to create a new pipeline: the name exists")
        return self._store(self.pipelines, "pipeline_id", body)

    async def _upload_version(self, request: web.Request) -> web.Response:
        pipeline = self.pipelines[request.query["pipelineid"]]
        name = request.query["name"]
        of_pipeline = [found for found in self.versions.values() if found["pipeline_id"] == pipeline["pipeline_id"]]
        if any(found["display_name"] == name for found in of_pipeline):
            return _error(409, "Failed to create a pipeline version")
        form = await request.post()
        upload = form["uploadfile"]
        assert isinstance(upload, web.FileField)
        documents = list(yaml.safe_load_all(upload.file.read()))
        spec = check_spec(documents)
        packed = {"pipeline_spec": documents[0], "platform_spec": documents[1]} if documents[1:] else documents[0]
        version = {"pipeline_id": pipeline["pipeline_id"], "display_name": name, "pipeline_spec": packed}
        response = self._store(self.versions, "pipeline_version_id", version)
        self._specs[json.loads(response.body)["pipeline_version_id"]] = spec  # type: ignore[arg-type]
        return response

    async def _create_recurring_run(self, request: web.Request) -> web.Response:
        body = checked(await request.json(), "V2beta1RecurringRun")
        self._check_run(body)
        check_cron(body["trigger"]["cron_schedule"]["cron"])
        if not 1 <= int(body.get("max_concurrency") or 0) <= 10:
            raise InvalidRequestError("Max concurrency of a recurring run must be at least 1 and at most 10.")
        await self._arrive()
        enabled = body.get("mode") == "ENABLE"
        kept = {key: value for key, value in body.items() if value not in (None, False, {}) and key != "mode"}
        stored = kept | {"max_concurrency": str(body["max_concurrency"]), "status": "ENABLED" if enabled else "DISABLED"}
        stored.setdefault("service_account", "pipeline-runner")
        return self._store(self.recurring_runs, "recurring_run_id", stored)

    async def _switch(self, request: web.Request) -> web.Response:
        run = self.recurring_runs[request.match_info["id"]]
        if run["recurring_run_id"] in self.lost:
            return _error(500, "Failed to change recurring run's mode")
        run["status"] = "ENABLED" if request.match_info["switch"] == "enable" else "DISABLED"
        return web.json_response({})

    async def _delete_recurring_run(self, request: web.Request) -> web.Response:
        number = request.match_info["id"]
        del self.recurring_runs[number]
        # Kubernetes deletes what a ScheduledWorkflow owns, unless told to orphan it. Servers before 2.16 pass over the wish.
        policy = check_propagation(request.query.get("propagation_policy")) if self.knows_orphans() else None
        if policy != "ORPHAN":
            owned = [run for run in self.runs.values() if run.get("recurring_run_id") == number]
            self.headway.killed += [run["run_id"] for run in owned if run.get("state") not in ENDED]
        return web.json_response({})

    def knows_orphans(self) -> bool:
        """Whether this version heeds how what belongs to a recurring run is to be deleted."""
        parts = self.version.split(".")[:2]
        return all(part.isdecimal() for part in parts) and tuple(int(part) for part in parts) >= (2, 16)

    def trigger(self, name: str) -> str:
        """Starts a run of the recurring run of that name, as its time were there. Returns the run's id."""
        (recurring,) = self.named(name)
        kept = ("experiment_id", "pipeline_version_reference", "runtime_config")
        run = {key: recurring[key] for key in kept if key in recurring}
        recurring_run_id = recurring["recurring_run_id"]
        answer = self._store(self.runs, "run_id", run | {"display_name": name, "recurring_run_id": recurring_run_id})
        return str(json.loads(answer.body)["run_id"])  # type: ignore[arg-type]

    async def _create_run(self, request: web.Request) -> web.Response:
        body = checked(await request.json(), "V2beta1Run")
        self._check_run(body)
        answer = self._store(self.runs, "run_id", {key: value for key, value in body.items() if value is not None})
        if len(self.runs) == self.renewed_with:
            self.tokens = {"new"}
        if self.unanswered:
            self.unanswered -= 1
            return _error(504, "upstream request timeout")
        return answer

    async def _look_at_run(self, request: web.Request) -> web.Response:
        run = self.runs[request.match_info["id"]]
        if self.out_of_order:
            self.out_of_order -= 1
            return _error(503, "upstream connect error")
        return web.json_response(self._look(run))

    def _look(self, run: Json) -> Json:
        if run.get("state") not in ENDED:
            seen = self.headway.look(run, self._specs[run["pipeline_version_reference"]["pipeline_version_id"]])
            run |= seen
        return run

    def _check_run(self, body: Json) -> None:
        if not body.get("display_name"):
            raise InvalidRequestError("The run name is empty. Please specify a valid name")
        self.experiments[body["experiment_id"]]
        version = self.versions[body["pipeline_version_reference"]["pipeline_version_id"]]
        if version["pipeline_id"] != body["pipeline_version_reference"]["pipeline_id"]:
            raise InvalidRequestError("the version is of another pipeline")
        check_parameters(self._specs[version["pipeline_version_id"]], body["runtime_config"].get("parameters") or {})

    async def _arrive(self) -> None:
        """Holds callers back until `together` of them are there."""
        event = asyncio.Event()
        self._waiting.append(event)
        if len(self._waiting) >= self.together:
            for waiting in self._waiting:
                waiting.set()
            self._waiting.clear()
        await event.wait()

    def _store(self, items: dict[str, Json], key: str, item: Json) -> web.Response:
        number = f"{key.removesuffix('_id').replace('_', '-')}-{next(self._numbers)}"
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        items[number] = {name: value for name, value in item.items() if value is not None} | {key: number, "created_at": now}
        return web.json_response(items[number])


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message, "code": 3, "message": message, "details": []}, status=status)
