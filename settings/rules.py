"""The rule of a setting in words, from its declared type and range."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

_KINDS = {int: ("a whole number", "whole numbers"), float: ("a number", "numbers"), str: ("a text", "texts")}


def rule_of(field: FieldInfo) -> str:
    """What a value must be: the end of the sentence "`name` must be ..."."""
    return _rule(field.annotation, field.metadata)


def _rule(annotated: Any, further: list[Any]) -> str:
    annotation, own = _bare(annotated)
    metadata = [*own, *further]
    arguments = get_args(annotation)
    if annotation is bool:
        return "true or false"
    if annotation in _KINDS:
        return _KINDS[annotation][0] + _range(metadata)
    if get_origin(annotation) is Literal:
        return f"one of {', '.join(map(repr, arguments))}"
    if get_origin(annotation) in (Union, types.UnionType):
        return ", or ".join("none" if part is type(None) else _rule(part, []) for part in arguments)
    if get_origin(annotation) is tuple:
        least = "one or more" if any(isinstance(part, annotated_types.MinLen) for part in metadata) else "any number of"
        return f"a list of {least} {_plural(arguments[0])}"
    if len(arguments) != 2:
        return "a value of its type"
    what, comma, bounds = _plural(arguments[1]).partition(",")
    return f"{what} by name{comma}{bounds}"


def _bare(annotation: Any) -> tuple[Any, list[Any]]:
    """A type without its annotations, and these."""
    if get_origin(annotation) is not Annotated:
        return annotation, []
    bare, *metadata = get_args(annotation)
    return bare, [part for one in metadata for part in getattr(one, "metadata", [one])]


def _plural(annotation: Any) -> str:
    bare, metadata = _bare(annotation)
    if bare in _KINDS:
        bounds = _range(metadata)
        return _KINDS[bare][1] + (f", each{bounds.removeprefix(',')}" if bounds else "")
    if get_origin(bare) is Literal:
        return f"out of {', '.join(map(repr, get_args(bare)))}"
    return "lists" if get_origin(bare) is tuple else "values"


def _range(metadata: list[Any]) -> str:
    low = high = ""
    for part in metadata:
        match part:
            case annotated_types.Ge(ge=value):
                low = f"at least {value}"
            case annotated_types.Gt(gt=value):
                low = f"above {value}"
            case annotated_types.Le(le=value):
                high = f"at most {value}"
            case annotated_types.Lt(lt=value):
                high = f"below {value}"
            case _:
                pass
    both = " and ".join(bound for bound in (low, high) if bound)
    return f", {both}" if both else ""


def mapping_values(annotation: Any) -> Any:
    """The type of a mapping's values, or None if it is none."""
    origin = get_origin(annotation)
    is_mapping = isinstance(origin, type) and issubclass(origin, Mapping)
    return get_args(annotation)[1] if is_mapping else None
