"""Transform's graph, cut to what is asked for."""

from __future__ import annotations

import pytest
import tensorflow as tf

from tests.trainer.exported_model import ExportedModel
from trainer.transform_graph import TransformGraph

pytestmark = pytest.mark.slow


def test_only_what_the_wanted_features_need_is_taken_along(exported: ExportedModel) -> None:
    transform = TransformGraph(exported.transform_output)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def client_types(cells: tf.Tensor) -> tf.Tensor:
        return transform({"client_type": cells}, ["client_type"])["client_type"]

    lookups = [o for o in client_types.get_concrete_function().graph.get_operations() if o.type == "LookupTableFindV2"]
    assert len(lookups) == 1
    zero, one, unknown, empty = client_types(tf.constant(["0", " 1 ", "never seen", ""])).numpy()
    assert {zero, one} == set(range(2, 8)) & {zero, one}
    assert (unknown, empty) == (1, 0)


def test_a_missing_column_is_refused_by_name(exported: ExportedModel) -> None:
    transform = TransformGraph(exported.transform_output)
    message = r"`columns` must hold \['hist_topic_id'\] for \['hist_keyword_id'\]. Received: \['hist_keyword_id'\]"
    with pytest.raises(ValueError, match=message):
        tf.function(lambda cells: transform({"hist_keyword_id": cells}, ["hist_keyword_id"])).get_concrete_function(
            tf.TensorSpec([None], tf.string)
        )
