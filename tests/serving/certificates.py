"""Certificates for tests of TLS."""

from __future__ import annotations

import subprocess
from pathlib import Path


def certificates(folder: Path) -> dict[str, Path]:
    """An authority, and keys and certificates of a server and a client that it signed."""

    def openssl(*arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    paths = {f"{who}.{kind}": folder / f"{who}.{kind}" for who in ("ca", "server", "client") for kind in ("key", "crt")}
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2)
    openssl(*new, "-subj", "/CN=ca", "-keyout", paths["ca.key"], "-out", paths["ca.crt"])
    for who in ("server", "client"):
        openssl(
            *new, "-subj", f"/CN={who}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE", "-CA", paths["ca.crt"], "-CAkey", paths["ca.key"],
            "-keyout", paths[f"{who}.key"], "-out", paths[f"{who}.crt"],
        )  # fmt: skip
    return paths
