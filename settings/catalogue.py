"""All settings of a configuration by flat names: `epochs` in files and on Kubeflow, `EPOCHS` elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic.fields import FieldInfo

from settings.base import SettingError, Settings, is_main, nodes_of, unknown_setting
from settings.rules import rule_of

Configuration = TypeVar("Configuration", bound=Settings)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A setting of a configuration.

    Args:
        name: Its name.
        group: The field of the configuration that holds it; empty for the configuration itself.
        title: The first sentence of the group's docstring.
        nodes: The ids of the nodes that take it.
        field: Its declaration.
    """

    name: str
    group: str
    title: str
    nodes: tuple[str, ...]
    field: FieldInfo

    @property
    def help(self) -> str:
        return str(self.field.description)

    @property
    def default(self) -> Any:
        return self.field.get_default(call_default_factory=True)

    @property
    def main(self) -> bool:
        return is_main(self.field)

    @property
    def rule(self) -> str:
        return rule_of(self.field)


def catalogue(kind: type[Settings]) -> dict[str, Entry]:
    """The settings of a configuration and of its groups, by name, in the order of their declaration."""
    entries: dict[str, Entry] = {}
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Settings):
            for one, of_group in inner.model_fields.items():
                _add(entries, Entry(one, name, _title(inner), nodes_of(field), of_group))
        else:
            _add(entries, Entry(name, "", _title(kind), nodes_of(field), field))
    return entries


def build(kind: type[Configuration], values: Mapping[str, Any]) -> Configuration:
    """A configuration of values by flat name; what is left out has its default.

    Raises:
        SettingError: A name is unknown, or a value breaks its rule; all of them are told at once.
    """
    entries = catalogue(kind)
    problems = [unknown_setting(name, entries) for name in values if name not in entries]
    arguments: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        if name in entries:
            arguments.setdefault(entries[name].group, {})[name] = value
    own = arguments.pop("", {})
    for name, of_group in arguments.items():
        inner = kind.model_fields[name].annotation
        try:
            own[name] = inner(**of_group)  # type: ignore[misc]
        except SettingError as error:
            problems += error.problems
    try:
        configuration = kind(**own)
    except SettingError as error:
        problems += error.problems
    if problems:
        raise SettingError(problems)
    return configuration


def flat(configuration: Settings) -> dict[str, Any]:
    """The values of a configuration by flat name: the inverse of `build`."""
    return {
        name: getattr(getattr(configuration, entry.group) if entry.group else configuration, name)
        for name, entry in catalogue(type(configuration)).items()
    }


def _title(kind: type[Settings]) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _add(entries: dict[str, Entry], entry: Entry) -> None:
    if entry.name in entries:
        raise TypeError(f"A setting's name must be unique. Received: {entry.name!r} twice.")
    entries[entry.name] = entry
