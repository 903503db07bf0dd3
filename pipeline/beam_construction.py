"""Spares Beam, where it constructs pipelines, work that it does over and over: a tenth of a run on little data.

For each transform Beam 2.77 parses all options anew, and looks through a DoFn's methods several times. What it gets is the
same each time.
"""

from __future__ import annotations

import contextlib
import types
import weakref
from collections.abc import Iterator
from typing import Any
from unittest import mock

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms import userstate

_view_as = PipelineOptions.view_as
_get_dofn_specs = userstate.get_dofn_specs


@contextlib.contextmanager
def quick_construction() -> Iterator[None]:
    """Within the block, Beam remembers the views of options, and what DoFns of one class have of states and timers."""
    views: weakref.WeakKeyDictionary[PipelineOptions, dict[type, Any]] = weakref.WeakKeyDictionary()
    specs: weakref.WeakKeyDictionary[type, tuple[set[Any], set[Any]]] = weakref.WeakKeyDictionary()

    def view_as(options: PipelineOptions, cls: type) -> Any:
        # All views of the same options share their values: one that was made before is as good as a new one.
        known = views.setdefault(options, {})
        if cls not in known:
            known[cls] = _view_as(options, cls)
        return known[cls]

    def get_dofn_specs(dofn: Any) -> tuple[set[Any], set[Any]]:
        if any(isinstance(value, types.MethodType) for value in vars(dofn).values()):
            return _get_dofn_specs(dofn)
        kind = type(dofn)
        if kind not in specs:
            specs[kind] = _get_dofn_specs(dofn)
        states, timers = specs[kind]
        return {*states}, {*timers}

    with (
        mock.patch.object(PipelineOptions, "view_as", view_as),
        mock.patch.object(userstate, "get_dofn_specs", get_dofn_specs),
    ):
        yield
