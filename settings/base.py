"""Settings: checked, frozen groups of values, each declared once with its type, default, range and help.

class Training(Settings):
    epochs: int = setting(1, "How often the training rows are seen.", ge=1)

Training(epochs=0)  # ValueError: `epochs` must be a whole number, at least 1. Received: 0.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core.core_schema import ValidationInfo

from settings.rules import rule_of

_MAIN = "main"
_NODES = "nodes"


# A setting's name, the end of the sentence "`name` must ...", and what was received, as text.
Problem = tuple[str, str, str]


class SettingError(ValueError):
    """A setting is unknown, or breaks its rule.

    Args:
        problems: One for each setting.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"`{name}` must {rule}. Received: {received}." for name, rule, received in self.problems))


class Settings(BaseModel):
    """The base of all groups of settings.

    Values come as they are, or as YAML and JSON have them: lists for tuples, whole numbers as floats.

    Raises:
        SettingError: A value breaks its rule, or a name is unknown; all of them are told at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingError(_problems(type(self), error, values)) from None

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value_is_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise ValueError("a truth value is no number")
        return value

    def replace(self, **changes: Any) -> Self:
        """The settings with some of them replaced, and checked again."""
        return type(self)(**{name: getattr(self, name) for name in type(self).model_fields} | changes)

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """The settings as JSON, the same text for the same settings."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`. Raises ValueError if the text is none."""
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError(f"{cls.__name__} must be given as a JSON object. Received: {text!r}.")
        return cls(**values)


def setting(default: Any, help: str, *, main: bool = False, nodes: tuple[str, ...] = (), **bounds: Any) -> Any:
    """Declares a setting.

    Args:
        default: Its default.
        help: What it does, in a sentence or two.
        main: Whether most users will want to know it: it stands in the README, and is a parameter on Kubeflow.
        nodes: The ids of the nodes that take it, if it is in no group.
        bounds: Its range, in pydantic's words: `ge`, `gt`, `le`, `lt`, `min_length`, `pattern`.
    """
    return Field(default, description=help, json_schema_extra={_MAIN: main, _NODES: list(nodes)}, **bounds)


def group(kind: type[Settings], nodes: tuple[str, ...]) -> Any:
    """Declares a group of settings, and the ids of the nodes that take it."""
    return Field(default_factory=kind, json_schema_extra={_NODES: list(nodes)})


def is_main(field: FieldInfo) -> bool:
    """Whether a setting was declared with `main`."""
    return bool(isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get(_MAIN))


def nodes_of(field: FieldInfo) -> tuple[str, ...]:
    """The nodes that a group, or a setting, was declared with."""
    extra = field.json_schema_extra
    nodes = extra.get(_NODES, []) if isinstance(extra, dict) else []
    return tuple(str(node) for node in nodes) if isinstance(nodes, list) else ()


def unknown_setting(name: str, known: Iterable[str]) -> Problem:
    """The problem of a name that is none, with the nearest one that is."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return name, "be a known setting" + (f", such as `{near[0]}`" if near else ""), "an unknown name"


def _problems(kind: type[Settings], error: ValidationError, values: Mapping[str, Any]) -> Iterable[Problem]:
    seen = set()
    for problem in error.errors(include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if name in seen:
            continue
        seen.add(name)
        field = kind.model_fields.get(name)
        if problem["type"] == "extra_forbidden":
            yield unknown_setting(name, kind.model_fields)
            continue
        complaint = problem.get("ctx", {}).get("error")
        if isinstance(complaint, SettingError):
            # A group's own complaint.
            yield from complaint.problems
        elif field is None:
            # A rule over several settings is a sentence of its own.
            raise ValueError(str(complaint or problem["msg"])) from None
        else:
            yield name, f"be {rule_of(field)}", repr(values.get(name))
