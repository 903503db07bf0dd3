"""Checks JSON against the API's own models (kfp-server-api), and against the rules that the server adds."""

from __future__ import annotations

import json
import re
import urllib.parse
from typing import Any

import kfp_server_api
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

_ENUMS = ("RecurringRunMode", "V2beta1RuntimeState", "V2beta1RecurringRunStatus")
_OPERATIONS = {1: "EQUALS", 2: "NOT_EQUALS"}
_CRON_FIELD = re.compile(
    r"([*?]|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/[1-9][0-9]*)?(,([*?]|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/[1-9][0-9]*)?)*"
)
_KINDS: dict[str, type | tuple[type, ...]] = {
    "STRING": str,
    "NUMBER_INTEGER": (int, float),
    "NUMBER_DOUBLE": (int, float),
    "BOOLEAN": bool,
    "LIST": list,
    "STRUCT": dict,
}


class InvalidRequestError(ValueError):
    """What the server answers with 400."""


def checked(body: Any, model_name: str) -> dict[str, Any]:
    """The body, if it is a JSON object of that model: no unknown field, each field of its type, enums by name."""
    if not isinstance(body, dict):
        raise InvalidRequestError(f"{model_name}: not an object: {body!r}")
    model = getattr(kfp_server_api, model_name)
    fields = {json_name: field for field, json_name in model.attribute_map.items()}
    for json_name, value in body.items():
        if json_name not in fields:
            raise InvalidRequestError(f"{model_name}: unknown field {json_name!r}")
        _check(value, model.openapi_types[fields[json_name]], f"{model_name}.{json_name}")
    return body


def _check(value: Any, kind: str, where: str) -> None:
    if value is None or kind in ("object", "datetime"):
        return
    if kind.startswith("dict("):
        right = isinstance(value, dict)
    elif kind in _ENUMS:
        right = isinstance(value, str) and hasattr(getattr(kfp_server_api, kind), value)
    elif kind == "bool":
        right = isinstance(value, bool)
    elif kind == "str":
        # int64 is a string in JSON; the server takes a number as well.
        right = isinstance(value, str) or (where.endswith("max_concurrency") and isinstance(value, int))
    else:
        checked(value, kind)
        return
    if not right:
        raise InvalidRequestError(f"{where}: {value!r} is not a {kind}")


def check_cron(expression: str) -> None:
    """As the server's parser: five or six fields of lists of ranges."""
    fields = expression.split()
    if len(fields) not in (5, 6) or not all(_CRON_FIELD.fullmatch(field) for field in fields):
        raise InvalidRequestError(f"Schedule cron is not a supported format. Error: {expression!r}")


def check_spec(documents: list[Any]) -> pipeline_spec_pb2.PipelineSpec:
    """The pipeline spec of an uploaded package, if that and its platform spec parse and it is of a version that is known."""
    try:
        spec = json_format.ParseDict(documents[0], pipeline_spec_pb2.PipelineSpec())
        for document in documents[1:]:
            json_format.ParseDict(document, pipeline_spec_pb2.PlatformSpec())
    except (json_format.ParseError, IndexError, AttributeError) as error:
        raise InvalidRequestError(f"Failed to parse the pipeline spec: {error}") from error
    if spec.schema_version != "2.1.0":
        raise InvalidRequestError(f"Unsupported schema version {spec.schema_version!r}")
    return spec


def check_parameters(spec: pipeline_spec_pb2.PipelineSpec, values: dict[str, Any]) -> None:
    """As the server: each parameter without a default is given, none is unknown, each is of its type."""
    declared = spec.root.input_definitions.parameters
    for name, parameter in declared.items():
        kind = pipeline_spec_pb2.ParameterType.ParameterTypeEnum.Name(parameter.parameter_type)
        if name not in values:
            if not parameter.is_optional and not parameter.HasField("default_value"):
                raise InvalidRequestError(f"parameter {name} has no value")
        elif not isinstance(values[name], _KINDS[kind]):
            raise InvalidRequestError(f"input parameter {name} requires type {kind}")
    if extra := set(values) - set(declared):
        raise InvalidRequestError(f"parameter(s) provided are not required by pipeline: {sorted(extra)}")


def predicates(text: str | None, keys: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """What a list call filters by: operations, fields and values. The server decodes it twice, once with the query."""
    if not text:
        return []
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise InvalidRequestError(f"failed to parse valid filter from {text!r}: invalid URL escape")
    wanted = []
    for item in json.loads(urllib.parse.unquote_plus(text))["predicates"]:
        operation = _OPERATIONS.get(item["operation"], item["operation"])
        if item["key"] not in keys or operation not in _OPERATIONS.values():
            raise InvalidRequestError(f"no support for filtering on {item}")
        wanted.append((operation, item["key"], item["stringValue"]))
    return wanted


def fits(item: dict[str, Any], wanted: list[tuple[str, str, str]]) -> bool:
    """Whether the item is one of those that a list call asks for. MySQL, below the server, knows no upper and lower case."""
    same = [(operation == "EQUALS", str(item.get(key)).lower() == value.lower()) for operation, key, value in wanted]
    return all(asked == found for asked, found in same)


def check_propagation(policy: str | None) -> str | None:
    """How Kubernetes is to delete what belongs to a recurring run: None is its own way, in the background."""
    if policy is not None and not hasattr(kfp_server_api.V2beta1DeletePropagationPolicy, policy):
        raise InvalidRequestError(f"propagation_policy: {policy!r} is not a value of the enum")
    return policy
