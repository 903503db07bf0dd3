"""What Beam remembers while it constructs pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import apache_beam as beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.options import pipeline_options
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.transforms import userstate

from pipeline.beam_construction import quick_construction

STATE = userstate.ReadModifyWriteStateSpec("seen", VarIntCoder())


class Stateful(beam.DoFn):
    def process(self, element: int, seen: object = beam.DoFn.StateParam(STATE)) -> Iterator[int]:
        yield element


class Plain(beam.DoFn):
    def process(self, element: int) -> Iterator[int]:
        yield element


@pytest.fixture
def quick() -> Iterator[None]:
    with quick_construction():
        yield


def test_views_of_options_still_share_their_values(quick: None) -> None:
    options = PipelineOptions(["--runner=FnApiRunner", "--direct_num_workers=3"])
    options.view_as(DirectOptions).direct_num_workers = 2
    assert options.view_as(DirectOptions).direct_num_workers == 2
    assert options.view_as(StandardOptions).runner == "FnApiRunner"
    assert PipelineOptions(["--direct_num_workers=3"]).view_as(DirectOptions).direct_num_workers == 3


def test_options_are_parsed_once_for_each_view() -> None:
    parser = pipeline_options._BeamArgumentParser
    with mock.patch.object(parser, "parse_known_args", autospec=True, side_effect=parser.parse_known_args) as parse:
        options = PipelineOptions(["--runner=FnApiRunner"])
        for _ in range(2):
            options.view_as(StandardOptions)
        assert parse.call_count == 3
        with quick_construction():
            for _ in range(5):
                options.view_as(StandardOptions)
        assert parse.call_count == 4


def test_what_a_class_has_of_state_is_remembered_for_it_alone(quick: None) -> None:
    for _ in range(2):
        assert userstate.get_dofn_specs(Stateful()) == ({STATE}, set())
        assert userstate.get_dofn_specs(Plain()) == (set(), set())
    userstate.get_dofn_specs(Stateful())[0].clear()
    assert userstate.is_stateful_dofn(Stateful())


def test_a_method_that_an_instance_was_given_counts(quick: None) -> None:
    given = Plain()
    assert not userstate.is_stateful_dofn(given)
    given.process = Stateful().process  # type: ignore[method-assign]
    assert userstate.is_stateful_dofn(given)


def test_it_ends_with_the_block() -> None:
    before = PipelineOptions.view_as, userstate.get_dofn_specs
    with quick_construction():
        assert (PipelineOptions.view_as, userstate.get_dofn_specs) != before
    assert (PipelineOptions.view_as, userstate.get_dofn_specs) == before
