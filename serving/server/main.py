"""The command `python -m serving FLAGS`."""

from __future__ import annotations

import asyncio
import gc
import importlib.metadata
import logging
import os
import sys
from collections.abc import Sequence

from serving.server import flags

LOG = logging.getLogger(__name__)

NOTICE = (
    "Embedded development server, NOT TensorFlow Serving: the same protocol, without TensorFlow Lite, GPUs, profiler and "
    "request logging, bound to %s. See --help."
)


def main(arguments: Sequence[str]) -> int:
    """Serves until SIGTERM or SIGINT.

    Returns:
        The process' exit status: 0 after a signal, 1 if the server could not start. If requests, or what loads, do not end
        in time after a signal, the process ends at once, with 1.
    """
    tensorflow_version = importlib.metadata.version("tensorflow")
    version = (
        f"Embedded ModelServer: {importlib.metadata.version('community-din')}\nTensorFlow Library: {tensorflow_version}"
    )
    parsed = flags.parse(arguments, version)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(name)s] %(message)s", stream=sys.stderr)
    LOG.info(NOTICE, parsed.host)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    # Python would look for garbage a thousand times while TensorFlow is imported, where all stays.
    gc.set_threshold(50_000, *gc.get_threshold()[1:])
    # TensorFlow takes seconds to import: a wrong flag should not wait for it.
    from serving.server.errors import ServingError
    from serving.server.server import Server

    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # It logs a traceback for each request that is not HTTP. What fails while one is answered, the handler logs itself.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    server = None
    try:
        server = Server(parsed)
        asyncio.run(server.run())
    except ServingError as error:
        LOG.error("Failed to start server. Error: %s", error)
        return 1
    finally:
        if server is not None:
            server.ended()
    return 0
