"""Runs the server's stand-in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from tests.kubeflow.schedule.kfp_server import KfpServer


@contextmanager
def running_server() -> Iterator[KfpServer]:
    """A server on a free port of this machine, in a thread of its own."""
    server = KfpServer()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = web.AppRunner(server.application())

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()

    try:
        asyncio.run_coroutine_threadsafe(start(), loop).result()
        server.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
