"""A loaded SavedModel: its signatures, and running them, directly, within bounds, or (`batching.py`) as part of a batch.

The model is loaded into a TensorFlow session, as TensorFlow Serving loads it: SavedModels of TensorFlow 1 and 2 both carry
the graph, the restore operation and the initializer that a session needs. `tf.saved_model.load` would check shapes that
Serving does not check, and run every output of a signature whichever was asked for.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from serving.server.errors import from_tensorflow, invalid_argument, not_found
from serving.server.tensors import Array

# Each pair of inputs and outputs keeps a pruned, optimised copy of the graph. A caller can ask for any subset of outputs: of
# more combinations than this, those used last are kept.
MAX_KEPT_PLANS = 64

LOG = logging.getLogger(__name__)


class SavedModel:
    """One version of a model in memory.

    Args:
        path: folder of `saved_model.pb`.
        tags: of the MetaGraph to load.
        session_config: TensorFlow's threads and devices. Without threads for several operations at once, a request runs in
            the thread that asks: the hand-over between threads costs more CPU than a small model.

    Raises:
        ServingError: there is no SavedModel, or it cannot be loaded.
    """

    def __init__(self, path: str, tags: Sequence[str], session_config: config_pb2.ConfigProto) -> None:
        self.path = path
        threads = session_config.inter_op_parallelism_threads or session_config.session_inter_op_thread_pool
        self._run_options = config_pb2.RunOptions(inter_op_thread_pool=0 if threads else -1)
        self._plans: OrderedDict[tuple[tuple[str, ...], tuple[str, ...]], Any] = OrderedDict()
        self._plans_lock = threading.Lock()
        self._building_lock = threading.Lock()
        if not tf.io.gfile.exists(f"{path}/saved_model.pb"):
            raise not_found(f"Could not find SavedModel .pb at supplied export directory path: {path}")
        graph = tf.Graph()
        with graph.as_default():
            self._session = tf.compat.v1.Session(graph=graph, config=session_config)
            try:
                meta_graph = tf.compat.v1.saved_model.load(self._session, list(tags), path)
            except tf.errors.OpError as error:
                self._session.close()
                raise from_tensorflow(error) from error
            except Exception as error:  # the loader raises what it meets: RuntimeError, KeyError, DecodeError, OSError ...
                self._session.close()
                LOG.debug("Loading %s failed", path, exc_info=True)
                raise invalid_argument(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
            self.signatures: Mapping[str, Any] = dict(meta_graph.signature_def)
            self._fetches = _fetches(graph, self.signatures)

    def run(self, inputs: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        """Runs the part of the graph that the outputs need. Any number of threads may call it.

        Args:
            inputs: by the name of the tensor in the graph.
            outputs: names of tensors in the graph.

        Returns:
            The outputs by name.

        Raises:
            ServingError: what TensorFlow says of these inputs.
        """
        feed = tuple(sorted(inputs))
        names = sorted(set(outputs))
        fetch = tuple(self._fetches.get(name, name) for name in names)
        try:
            values = self._plan(feed, fetch)(*(inputs[name] for name in feed))
        except tf.errors.OpError as error:
            raise from_tensorflow(error) from error
        return dict(zip(names, values, strict=True))

    def _plan(self, feed: tuple[str, ...], fetch: tuple[str, ...]) -> Any:
        key = (feed, fetch)
        with self._plans_lock:
            plan = self._plans.get(key)
            if plan is not None:
                self._plans.move_to_end(key)
                return plan
        # Not under the lock: requests whose plan is there do not wait for it.
        with self._building_lock:
            with self._plans_lock:
                plan = self._plans.get(key)
            if plan is None:
                # Session.run would compare the fed shapes with the placeholders', which TensorFlow Serving does not.
                options = config_pb2.CallableOptions(feed=feed, fetch=fetch, run_options=self._run_options)
                plan = self._session._make_callable_from_options(options)
                with self._plans_lock:
                    self._plans[key] = plan
                    # One that a request is still running ends with that request.
                    while len(self._plans) > MAX_KEPT_PLANS:
                        self._plans.popitem(last=False)
        return plan

    @property
    def kept_plans(self) -> list[tuple[str, ...]]:
        """The fetched tensors of the plans that are kept, the one used last at the end."""
        with self._plans_lock:
            return [fetch for _, fetch in self._plans]

    def close(self) -> None:
        """Frees the model. No request may be running."""
        self._plans.clear()
        self._session.close()


def _fetches(graph: tf.Graph, signatures: Mapping[str, Any]) -> dict[str, str]:
    """Adds an operation behind each output of a signature, and returns its tensor's name by the output's.

    TensorFlow 2 exports a signature as one call of a function, whose results are the outputs. TensorFlow takes a function
    apart, and drops what is not asked for, only where its call is not itself what is fetched.
    """
    found: dict[str, str] = {}
    for signature in signatures.values():
        for output in signature.outputs.values():
            if (
                ":" in output.name and output.name not in found
            ):  # without a colon it is an operation, such as the initializer
                found[output.name] = tf.identity(graph.get_tensor_by_name(output.name)).name
    return found


class Runner(Protocol):
    """What the services ask to run a model."""

    def run(self, model: SavedModel, inputs: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        """Returns the outputs by tensor name for inputs by tensor name; raises ServingError."""
        ...


class DirectRunner:
    """Runs each request by itself, in the thread that asks."""

    def run(self, model: SavedModel, inputs: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        return model.run(inputs, outputs)


class BoundedRunner:
    """A Runner that refuses string inputs of too many values: a model works on each, however short it is.

    Args:
        runner: runs what is not refused.
        max_candidates: largest second dimension of a string input; 0: no bound.
        max_scores: most values of a string input; 0: no bound.
    """

    def __init__(self, runner: Runner, max_candidates: int, max_scores: int) -> None:
        self._runner = runner
        self._max_candidates = max_candidates
        self._max_scores = max_scores

    def run(self, model: SavedModel, inputs: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        for array in inputs.values():
            if array.dtype != object:
                continue
            if self._max_candidates and array.ndim > 1 and array.shape[1] > self._max_candidates:
                raise invalid_argument(
                    f"A user must have at most {self._max_candidates} candidates. Received: {array.shape[1]}."
                )
            if self._max_scores and array.size > self._max_scores:
                raise invalid_argument(
                    f"A request must ask for at most {self._max_scores} scores. Received: {array.size} values."
                )
        return self._runner.run(model, inputs, outputs)
