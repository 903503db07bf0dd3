"""Encrypts the connection to PostgreSQL: `python -m kubeflow.tls_relay`, a process beside a step's own.

ML Metadata's wheels hold a libpq that was built without SSL, and its calls hold Python's lock while they wait. So a process
of its own takes unencrypted connections on a Unix socket that only this user can reach, and passes them on by TLS.

Its standard input is a line of JSON, the fields of `Target`; it ends when its input does: with the process that started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

DISABLE, REQUIRE, VERIFY_CA, VERIFY_FULL = "disable", "require", "verify-ca", "verify-full"
MODES = (DISABLE, REQUIRE, VERIFY_CA, VERIFY_FULL)
READY = "ready"
# https://www.postgresql.org/docs/current/protocol-message-formats.html: SSLRequest.
_SSL_REQUEST = struct.pack("!II", 8, 80877103)
# A message's kind, and its length less that of the kind; NegotiateProtocolVersion may come before AuthenticationSASL.
_HEADER = struct.Struct("!cI")
_NEGOTIATION = b"v"
_SASL = struct.pack("!I", 10)
_SECONDS = 30
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Target:
    """Where the relay listens, and what it connects to.

    Args:
        socket: The path of the Unix socket.
        host: The database's host.
        port: Its port.
        mode: One of PostgreSQL's `sslmode`s but `disable`: `require` checks no certificate, `verify-ca` who has signed it,
            `verify-full` the host's name too.
        root_certificate: Certificates (PEM) of those who may sign; by default those that the image trusts.
    """

    socket: str
    host: str
    port: int
    mode: str
    root_certificate: str | None = None

    def context(self) -> ssl.SSLContext:
        """The settings of TLS. Raises ValueError if the root certificate is none."""
        try:
            context = ssl.create_default_context(cadata=self.root_certificate)
        except (ssl.SSLError, ValueError) as error:
            raise ValueError(f"The root certificate must be a certificate in PEM. {error}") from error
        context.check_hostname = self.mode == VERIFY_FULL
        context.verify_mode = ssl.CERT_NONE if self.mode == REQUIRE else ssl.CERT_REQUIRED
        return context


class NotEncrypted(OSError):
    """What answers does not encrypt."""


def check(target: Target) -> None:
    """Connects once, so that what waiting does not mend is said at once and in words.

    Raises:
        ValueError: The server does not encrypt, its certificate does not hold, or the root certificate is none.
    """
    context = target.context()
    place = f"{target.host}:{target.port} by `{target.mode}`"
    try:
        with _request(target) as plain, context.wrap_socket(plain, server_hostname=target.host):
            pass
    except ssl.SSLCertVerificationError as error:
        raise ValueError(f"The metadata store's certificate must hold for {place}. {error.verify_message}.") from error
    except (ssl.SSLError, NotEncrypted) as error:
        raise ValueError(f"The metadata store must be reached by TLS. Received: {place}, where {error}.") from error
    except OSError:
        # It may not be there yet.
        return


async def serve(target: Target) -> None:
    """Relays connections until it is cancelled."""
    context = target.context()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            try:
                far_reader, far_writer = await _connect(target, context)
            except OSError as error:
                await _refuse(target, error, reader, writer)
                return
            await asyncio.gather(_copy(reader, far_writer), _answer(far_reader, writer))

    server = await asyncio.start_unix_server(relay, target.socket)
    print(READY, flush=True)
    async with server:
        await server.serve_forever()


async def _connect(target: Target, context: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    plain = await asyncio.to_thread(_request, target)
    try:
        plain.setblocking(False)
        return await asyncio.open_connection(
            sock=plain, ssl=context, server_hostname=target.host, ssl_handshake_timeout=_SECONDS
        )
    except BaseException:
        plain.close()
        raise


def _request(target: Target) -> socket.socket:
    """A connection to a server that is ready for TLS. Raises OSError if it is not."""
    plain = socket.create_connection((target.host, target.port), _SECONDS)
    try:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        plain.sendall(_SSL_REQUEST)
        # One byte, so that nothing that came unencrypted is taken for something that came encrypted.
        answer = plain.recv(1)
        if answer != b"S":
            raise NotEncrypted("the server does not encrypt" if answer == b"N" else "no PostgreSQL server answers there")
        return plain
    except BaseException:
        plain.close()
        raise


async def _refuse(target: Target, error: OSError, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers the client with PostgreSQL's message of an error, which libpq shows."""
    reason = getattr(error, "verify_message", None) or error
    text = f"No encrypted connection to {target.host}:{target.port} ({target.mode}): {reason}"
    print(f"Error: {text}.", file=sys.stderr, flush=True)
    await reader.read(_CHUNK)
    fields = b"".join(kind + value.encode() + b"\0" for kind, value in ((b"S", "FATAL"), (b"C", "08001"), (b"M", text)))
    writer.write(_HEADER.pack(b"E", len(fields) + 5) + fields + b"\0")
    await writer.drain()
    writer.close()


async def _answer(far_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Passes on what the server says, but for the offer to bind the log-in to TLS: a client without TLS refuses it."""
    kind = _NEGOTIATION
    try:
        while kind == _NEGOTIATION:
            header = await far_reader.readexactly(_HEADER.size)
            kind, length = _HEADER.unpack(header)
            body = await far_reader.readexactly(length - 4)
            if kind == b"R" and body.startswith(_SASL):
                body = body.replace(b"SCRAM-SHA-256-PLUS\0", b"")
            writer.write(_HEADER.pack(kind, len(body) + 4) + body)
    except asyncio.IncompleteReadError:
        writer.close()
        return
    await _copy(far_reader, writer)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    finally:
        # Ends the other direction too: PostgreSQL's clients and servers do not close one alone.
        writer.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns the exit status."""
    target = Target(**json.loads(sys.stdin.readline()))

    def end_with_parent() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        asyncio.run(serve(target))
    except ValueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
