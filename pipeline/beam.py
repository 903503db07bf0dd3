"""The arguments of the nodes' own Beam pipelines."""

from __future__ import annotations

from collections.abc import Sequence

_IN_THIS_MACHINE = "--runner=FnApiRunner"
_IN_CONTAINERS = "--direct_running_mode=docker"
# An image that no worker of that runner starts.
_HAVE_TFX = "--sdk_container_image=none"


def beam_arguments(options: Sequence[str]) -> list[str]:
    """Beam's options as TFX takes them.

    In each node TFX packs its installation anew, for workers elsewhere, and leaves the folder in /tmp: 2 CPU seconds and
    42 MB. It does not where an option names the workers' image (`make_beam_dependency_flags` of
    `tfx.utils.dependency_utils`). Workers of this machine have TFX, and take no image.

    Args:
        options: Beam's options, such as `--runner=FnApiRunner`.
    """
    if _IN_THIS_MACHINE in options and _IN_CONTAINERS not in options:
        return [*options, _HAVE_TFX]
    return list(options)
