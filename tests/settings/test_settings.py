"""Groups of settings: checked as a whole, told in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from settings.base import SettingError, Settings, group, setting
from settings.catalogue import build, catalogue, flat
from settings.files import read_file, write_text
from settings.reference import table
from settings.texts import from_text, to_text

Share = Annotated[float, Field(ge=0, le=1)]


class Inner(Settings):
    """How it is done."""

    rate: float = setting(0.1, "How fast. Slower is safer.", main=True, gt=0)
    widths: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = setting((8, 4), "How wide.")
    kind: Literal["a", "b"] = setting("a", "Which.")
    open: bool = setting(True, "Whether.")
    shares: Mapping[str, Share] = setting({}, "Of each.")
    domains: Mapping[str, tuple[str, ...]] = setting({}, "Which of each.")


class Outer(Settings):
    """Where."""

    place: str = setting("here", "Where.", main=True, nodes=("node",), min_length=1)
    version: Annotated[int, Field(ge=0)] | Literal["newest"] = setting("newest", "Which version.")
    inner: Inner = group(Inner, ("one", "other"))


def test_settings_have_their_defaults_and_survive_json() -> None:
    settings = Outer(place="there", inner=Inner(widths=(3,), shares={"x": 0.5}, domains={"y": ("1", "2")}))
    assert Outer.from_json(settings.to_json()) == settings
    assert Outer() == Outer(inner=Inner())
    assert Inner(shares={"a": 0.1, "b": 0.2}).to_json() == Inner(shares={"b": 0.2, "a": 0.1}).to_json()


def test_numbers_and_lists_may_come_as_json_and_protobuf_have_them() -> None:
    assert Inner.from_json('{"widths": [3.0, 2.0]}').widths == (3, 2)


def test_a_replaced_setting_is_checked() -> None:
    assert Inner().replace(rate=2).rate == 2.0
    with pytest.raises(SettingError, match="`rate` must be a number, above 0. Received: 0."):
        Inner().replace(rate=0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rate": 0}, "`rate` must be a number, above 0. Received: 0."),
        ({"rate": True}, "`rate` must be a number, above 0. Received: True."),
        ({"rate": float("nan")}, "`rate` must be a number, above 0. Received: nan."),
        ({"rate": "fast"}, "`rate` must be a number, above 0. Received: 'fast'."),
        ({"widths": ()}, "`widths` must be a list of one or more whole numbers, each at least 1. Received: ()."),
        ({"widths": (4, 0)}, "`widths` must be a list of one or more whole numbers, each at least 1. Received: (4, 0)."),
        ({"widths": (1.5,)}, "`widths` must be a list of one or more whole numbers, each at least 1. Received: (1.5,)."),
        ({"kind": "c"}, "`kind` must be one of 'a', 'b'. Received: 'c'."),
        ({"open": "perhaps"}, "`open` must be true or false. Received: 'perhaps'."),
        ({"shares": {"x": 2}}, "`shares` must be numbers by name, each at least 0 and at most 1. Received: {'x': 2}."),
        ({"domains": "x"}, "`domains` must be lists by name. Received: 'x'."),
        ({"rte": 1}, "`rte` must be a known setting, such as `rate`. Received: an unknown name."),
        ({"zzzzzz": 1}, "`zzzzzz` must be a known setting. Received: an unknown name."),
    ],
)
def test_a_broken_rule_is_told_with_the_rule_and_the_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError) as error:
        Inner(**values)
    assert str(error.value) == message


def test_settings_are_known_by_flat_names_with_their_group_and_nodes() -> None:
    entries = catalogue(Outer)
    assert list(entries) == ["place", "version", *Inner.model_fields]
    assert (entries["place"].group, entries["place"].nodes, entries["place"].main) == ("", ("node",), True)
    assert (entries["rate"].group, entries["rate"].nodes, entries["rate"].default) == ("inner", ("one", "other"), 0.1)
    assert entries["version"].rule == "a whole number, at least 0, or one of 'newest'"


def test_two_settings_of_one_name_are_a_mistake_of_the_declaration() -> None:
    class Twice(Settings):
        """Twice."""

        rate: float = setting(1.0, "Again.")
        inner: Inner = group(Inner, ())

    with pytest.raises(TypeError, match="unique. Received: 'rate' twice"):
        catalogue(Twice)


def test_a_configuration_is_built_of_flat_values_and_tells_all_problems_at_once() -> None:
    config = build(Outer, {"rate": 3, "place": "there", "kind": "b"})
    assert config == Outer(place="there", inner=Inner(rate=3, kind="b"))
    assert build(Outer, flat(config)) == config
    with pytest.raises(SettingError) as error:
        build(Outer, {"rate": -1, "plase": "x", "version": -2})
    assert [name for name, _, _ in error.value.problems] == ["plase", "rate", "version"]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("rate", "1e-05", 1e-5),
        ("widths", "3, 4", (3, 4)),
        ("open", "false", False),
        ("version", "newest", "newest"),
        ("version", "3", 3),
        ("shares", "x=0.5, y=1.0", {"x": 0.5, "y": 1.0}),
        ("domains", "x=1|2", {"x": ("1", "2")}),
        ("shares", "none", {}),
    ],
)
def test_texts_say_what_values_say(name: str, text: str, value: Any) -> None:
    entry = catalogue(Outer)[name]
    assert flat(build(Outer, {name: from_text(entry, text)}))[name] == value
    assert flat(build(Outer, {name: from_text(entry, to_text(value))}))[name] == value


def test_a_written_file_holds_every_setting_with_its_help_and_reads_back(tmp_path: Any) -> None:
    config = build(Outer, {"rate": 1e-5, "shares": {"x": 0.5}, "widths": (1,), "domains": {"y": ("0", "no")}})
    path = tmp_path / "config.yaml"
    path.write_text(write_text(config))
    assert build(Outer, read_file(path)) == config
    for name, entry in catalogue(Outer).items():
        assert f"\n{name}: " in path.read_text()
        assert f"# {entry.help}" in path.read_text()


@pytest.mark.parametrize("text", ["- a list", "rate: [", "\x00", "3: 4"])
def test_a_file_without_settings_is_refused(tmp_path: Any, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match="`CONFIG` must"):
        read_file(path)
    with pytest.raises(ValueError, match="`CONFIG` must be a readable YAML file"):
        read_file(tmp_path / "missing.yaml")


def test_the_table_holds_the_main_settings() -> None:
    assert "| `RATE` | `0.1` | How fast |" in table(Outer)
    assert "WIDTHS" not in table(Outer)
