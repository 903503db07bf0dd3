"""Pipelines, their versions, and experiments on the server, found or made by name."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from typing import Any

import kfp_server_api

from kubeflow.schedule.connection import Server, not_found
from kubeflow.schedule.errors import NotFoundError, RefusedError
from kubeflow.schedule.package import Package, PackageFile
from kubeflow.schedule.translation import translated

_PAGE_SIZE = 100
_MADE_MEANWHILE = 409


@dataclass(frozen=True)
class Version:
    """A pipeline version on the server, and the package that it holds."""

    pipeline_id: str
    version_id: str
    name: str
    package: Package


def upload(server: Server, file: PackageFile, description: str | None) -> tuple[Version, bool]:
    """Uploads the package as a version of the pipeline of its name, unless that content is there.

    Returns:
        The version, and whether it was uploaded now.
    """
    with translated(server.host):
        pipeline_id = _pipeline_id(server, file.package.name) or _create_pipeline(server, file.package.name)
        found = _version_id(server, pipeline_id, file.version)
        version_id = found or _upload_version(server, pipeline_id, file, description)
    return Version(pipeline_id, version_id, file.version, file.package), found is None


def find_version(server: Server, pipeline: str, version: str) -> Version:
    """The version of that name.

    Raises:
        NotFoundError: There is no such pipeline, or no such version of it.
    """
    with translated(server.host):
        pipeline_id = _pipeline_id(server, pipeline)
        if pipeline_id is None:
            raise not_found("pipeline", pipeline, [str(found.display_name) for found in _pipelines(server)])
        versions = _versions(server, pipeline_id)
        for found in versions:
            if found.display_name == version:
                spec = found.pipeline_spec
                documents = [spec["pipeline_spec"], spec["platform_spec"]] if "platform_spec" in spec else [spec]
                return Version(pipeline_id, found.pipeline_version_id, version, Package.of_documents(documents))
    raise not_found(f"version of {pipeline}", version, [str(found.display_name) for found in versions])


def version_name(server: Server, run: kfp_server_api.V2beta1RecurringRun) -> str:
    """The name of the version that a recurring run is of."""
    reference = run.pipeline_version_reference
    if reference is None or not reference.pipeline_version_id:
        return "no version"
    with suppress(NotFoundError), translated(server.host):
        version = server.client.get_pipeline_version(reference.pipeline_id, reference.pipeline_version_id)
        return f"version {version.display_name}"
    return f"version {reference.pipeline_version_id}, which is deleted"


def experiment_id(server: Server, name: str) -> str:
    """The experiment of that name, made if it is not there."""
    with translated(server.host):
        found = _experiment_id(server, name)
        if found is not None:
            return found
        experiment = kfp_server_api.V2beta1Experiment(display_name=name, namespace=server.namespace)
        try:
            return str(server.client.experiments.experiment_service_create_experiment(experiment=experiment).experiment_id)
        except kfp_server_api.ApiException as error:
            return _unless_made_meanwhile(error, _experiment_id(server, name))


def named(name: str) -> str:
    """The filter that lists what is called `name`; on MySQL, and on Kubernetes' own store, whatever its case is."""
    return only(("EQUALS", "display_name", name))


def only(*predicates: tuple[str, str, str]) -> str:
    """The filter that lists what meets each of the predicates: operation, field and value.

    The server decodes it once more than the query that it comes in, or a name with a plus or per cent sign is not found.
    """
    items = [{"operation": operation, "key": key, "stringValue": value} for operation, key, value in predicates]
    return urllib.parse.quote(json.dumps({"predicates": items}))


def all_pages(call: Callable[..., Any], items: str, **arguments: Any) -> list[Any]:
    """All items of a list call, page after page."""
    found: list[Any] = []
    token = ""
    while True:
        page = call(page_token=token, page_size=_PAGE_SIZE, **arguments)
        found += getattr(page, items) or []
        token = page.next_page_token
        if not token:
            return found


def _experiment_id(server: Server, name: str) -> str | None:
    found = all_pages(server.client.list_experiments, "experiments", namespace=server.namespace, filter=named(name))
    return next((str(experiment.experiment_id) for experiment in found if experiment.display_name == name), None)


def _pipelines(server: Server, **arguments: Any) -> list[Any]:
    return all_pages(server.client.list_pipelines, "pipelines", namespace=server.namespace, **arguments)


def _pipeline_id(server: Server, name: str) -> str | None:
    pipelines = _pipelines(server, filter=named(name))
    return next((str(found.pipeline_id) for found in pipelines if found.display_name == name), None)


def _create_pipeline(server: Server, name: str) -> str:
    pipeline = kfp_server_api.V2beta1Pipeline(display_name=name, namespace=server.namespace)
    try:
        return str(server.client.pipelines.pipeline_service_create_pipeline(pipeline).pipeline_id)
    except kfp_server_api.ApiException as error:
        return _unless_made_meanwhile(error, _pipeline_id(server, name))


def _versions(server: Server, pipeline_id: str, **arguments: Any) -> list[Any]:
    return all_pages(server.client.list_pipeline_versions, "pipeline_versions", pipeline_id=pipeline_id, **arguments)


def _version_id(server: Server, pipeline_id: str, name: str) -> str | None:
    versions = _versions(server, pipeline_id, filter=named(name))
    return next((str(found.pipeline_version_id) for found in versions if found.display_name == name), None)


def _upload_version(server: Server, pipeline_id: str, file: PackageFile, description: str | None) -> str:
    try:
        with redirect_stdout(StringIO()):
            uploaded = server.client.upload_pipeline_version(
                str(file.path), file.version, pipeline_id=pipeline_id, description=description
            )
    except kfp_server_api.ApiException as error:
        return _unless_made_meanwhile(error, _version_id(server, pipeline_id, file.version))
    if uploaded.pipeline_version_id is None:
        raise RefusedError(f"{server.host} took the package and named no version. It says: {uploaded.error}")
    return str(uploaded.pipeline_version_id)


def _unless_made_meanwhile(error: kfp_server_api.ApiException, found: str | None) -> str:
    if error.status != _MADE_MEANWHILE or found is None:
        raise error
    return found
