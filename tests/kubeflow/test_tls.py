"""The connection to PostgreSQL is encrypted where the configuration says so."""

from __future__ import annotations

import datetime
import ipaddress
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kubeflow.store import connection_from_environment, open_store
from tests.kubeflow.conftest import ROOT
from tests.kubeflow.postgres import Server, postgres
from tests.kubeflow.test_postgresql_store import artifact_with, environment


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, in PEM."""

    pem: bytes
    key: bytes


def certificate(name: str, issuer: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None = None) -> Certificate:
    """A certificate for the address 127.0.0.1, or for another host; signed by itself, or by an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    host: x509.GeneralName = x509.DNSName(name)
    if name == "127.0.0.1":
        host = x509.IPAddress(ipaddress.ip_address(name))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0] if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Certificate(made.public_bytes(serialization.Encoding.PEM), private)


OWN = certificate("127.0.0.1")
OF_ANOTHER_HOST = certificate("elsewhere.example")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that takes encrypted connections only."""
    with postgres((OWN.pem, OWN.key)) as running:
        yield running


@pytest.fixture(scope="module")
def misnamed() -> Iterator[Server]:
    """The same, with the certificate of another host."""
    with postgres((OF_ANOTHER_HOST.pem, OF_ANOTHER_HOST.key)) as running:
        yield running


def encrypted(server: Server, mode: str, root: Certificate | None) -> dict[str, str]:
    variables = {**environment(server), "METADATA_TLS": mode}
    return variables if root is None else {**variables, "METADATA_ROOT_CERTIFICATE": root.pem.decode()}


def test_the_store_works_on_a_server_that_takes_encrypted_connections_only(server: Server) -> None:
    store = open_store(connection_from_environment(encrypted(server, "verify-full", OWN)), first_wait=0)
    texts = [f"{number} " + "x" * 1000 for number in range(200)]
    ids = [artifact_with(store, text).id for text in texts]
    # An answer of many packets.
    assert [found.properties["note"].string_value for found in store.get_artifacts_by_id(ids)] == texts
    with pytest.raises(RuntimeError, match="The metadata store must be reachable"):
        open_store(connection_from_environment(environment(server)), first_wait=0)


def test_a_step_works_over_an_encrypted_connection_and_leaves_no_process(server: Server) -> None:
    arguments = ["--run-id", "a-run", "--config", '{"pipeline_name": "community-din"}', "--nodes", "trainer"]
    ended = subprocess.run(
        [sys.executable, "-m", "kubeflow.report", *arguments],
        env={"PYTHONPATH": str(ROOT), "PATH": os.defpath, **encrypted(server, "verify-full", OWN)},
        # The relay has the same standard error: should it stay, this would not end.
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    assert "run a-run failed: trainer did not run." in ended.stdout


@pytest.mark.parametrize(
    ("mode", "root", "message"),
    [
        ("verify-full", None, "self-signed certificate"),
        ("verify-full", OF_ANOTHER_HOST, "self-signed certificate"),
        ("verify-ca", None, "self-signed certificate"),
        ("full", OWN, "`METADATA_TLS` must be one of disable, require, verify-ca, verify-full. Received: 'full'."),
        ("verify-full", Certificate(b"-----", b""), "The root certificate must be a certificate in PEM"),
    ],
)
def test_a_certificate_that_does_not_hold_is_refused_at_once(
    server: Server, mode: str, root: Certificate | None, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        connection_from_environment(encrypted(server, mode, root))
    assert server.password not in str(error.value)


def test_each_mode_checks_what_postgresql_says_it_does(misnamed: Server) -> None:
    with pytest.raises(ValueError, match=f"must hold for 127.0.0.1:{misnamed.port} by `verify-full`. .*mismatch"):
        connection_from_environment(encrypted(misnamed, "verify-full", OF_ANOTHER_HOST))
    for mode, root in (("verify-ca", OF_ANOTHER_HOST), ("require", None)):
        artifact_with(open_store(connection_from_environment(encrypted(misnamed, mode, root)), first_wait=0), mode)


def test_a_server_that_does_not_encrypt_is_refused_at_once(database: Server) -> None:
    with pytest.raises(ValueError, match="must be reached by TLS.*where the server does not encrypt"):
        connection_from_environment(encrypted(database, "require", None))


def test_a_server_that_is_gone_is_named_by_its_address(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    nowhere = Server("127.0.0.1", 1, "hidden")
    with pytest.raises(RuntimeError, match="The metadata store must be reachable"):
        open_store(connection_from_environment(encrypted(nowhere, "verify-full", OWN)), first_wait=0)
    assert "No encrypted connection to 127.0.0.1:1 (verify-full): [Errno 111] Connection refused" in capfd.readouterr().err


def test_the_relay_ends_with_a_step_that_is_killed(server: Server, tmp_path: Path) -> None:
    code = (
        "import os, time; from kubeflow.store import connection_from_environment; "
        "print(connection_from_environment(os.environ).postgresql.host, flush=True); time.sleep(100)"
    )
    step = subprocess.Popen(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT), "PATH": os.defpath, "TMPDIR": str(tmp_path), **encrypted(server, "require", None)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert step.stdout is not None
    assert str(tmp_path) in step.stdout.readline()
    relays = children(step.pid)
    assert relays
    step.send_signal(signal.SIGKILL)
    step.wait()
    step.stdout.close()
    deadline = time.monotonic() + 30
    while any(running(pid) for pid in relays):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


def running(pid: int) -> bool:
    try:
        return "kubeflow.tls_relay" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
