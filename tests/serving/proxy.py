"""What stands between a client and a server: connections that break, and TLS in front of REST."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator


class _Handler(socketserver.BaseRequestHandler):
    server: _Proxy

    def handle(self) -> None:
        if self.server.breaks():
            return
        with contextlib.suppress(OSError):
            inner = self.request
            if self.server.tls is not None:
                inner = self.server.tls.wrap_socket(inner, server_side=True)
            with socket.create_connection(self.server.target) as outer:
                back = threading.Thread(target=_pump, args=(outer, inner))
                back.start()
                _pump(inner, outer)
                back.join()


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, target: str, tls: ssl.SSLContext | None, broken: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        host, _, port = target.rpartition(":")
        self.target = (host, int(port))
        self.tls = tls
        self._broken = broken
        self._counting = threading.Lock()

    def breaks(self) -> bool:
        with self._counting:
            self._broken -= 1
            return self._broken >= 0


@contextlib.contextmanager
def proxy(target: str, tls: ssl.SSLContext | None = None, broken: int = 0) -> Iterator[str]:
    """Forwards connections to `target`, `host:port`; the first `broken` ones are closed. Yields its own address."""
    with _Proxy(target, tls, broken) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"localhost:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
