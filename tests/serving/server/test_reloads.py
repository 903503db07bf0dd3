"""New versions under constant load."""

from __future__ import annotations

import pytest

from benchmarks import reloads


@pytest.mark.slow
def test_reloads_fail_no_request_and_keep_no_memory() -> None:
    count = 8
    outcome = reloads.measure(reloads=count, clients=2)
    assert not outcome.failures
    assert len(outcome.latencies) > 0
    assert set(range(1, count + 2)) >= set(outcome.versions)
    assert max(outcome.versions) == count + 1
    # Each version's weights alone take more than this.
    assert outcome.memory[-1] - outcome.memory[0] < (count - 1) * reloads.MODEL_SIZE**2 * 4 / 2**20
    print(f"worst latency {outcome.latencies.max():.1f} ms, memory {outcome.memory[0]:.1f} to {outcome.memory[-1]:.1f} MiB")
