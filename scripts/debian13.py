"""Debian 13 root folders, where its glibc or the steps of an image are needed and no Docker engine runs. Needs root."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

LIBRARIES = (
    "ca-certificates,libbz2-1.0,libexpat1,libffi8,liblzma5,libncursesw6,libreadline8t64,libsqlite3-0,libssl3t64,zlib1g"
)
# What the package clients of this host need to reach their registries.
HOST_SETTINGS = ("/etc/resolv.conf", "/etc/hosts", "/etc/xdg", "/etc/ssl/certs", "/etc/pip.conf")
HOST_VARIABLES = re.compile(r"(PIP_|SSL_|REQUESTS_CA|CURL_CA|https?_proxy|no_proxy)", re.IGNORECASE)


@dataclass
class Stage:
    """A stage under way: its root folder, its variables, and where and as whom its commands run."""

    root: Path
    variables: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"})
    folder: str = "/"
    user: str = "0:0"

    def run(self, command: str, mounts: dict[str, Path]) -> None:
        """Runs a shell command in the stage; what is mounted is gone with it."""
        settings = {name: value for name, value in os.environ.items() if HOST_VARIABLES.match(name)}
        variables = {"HOME": "/tmp", "LANG": "C.UTF-8", **settings, **self.variables}
        lines = ["set -e", f'mount -t proc proc "{self.root}/proc"', f'mount --bind /dev "{self.root}/dev"']
        for target, source in mounts.items():
            (self.root / target.lstrip("/")).mkdir(parents=True, exist_ok=True)
            lines.append(f'mount --bind "{source}" "{self.root}{target}"')
        inner = f"cd {shlex.quote(self.folder)} && {command}"
        pairs = " ".join(shlex.quote(f"{name}={value}") for name, value in variables.items())
        shell = f"/usr/bin/env -i {pairs} bash -o pipefail -c {shlex.quote(inner)}"
        lines.append(f'exec chroot --userspec={self.user} "{self.root}" {shell}')
        subprocess.run(["unshare", "--mount", "bash", "-c", "\n".join(lines)], check=True)


def base_image(folder: Path) -> Path:
    """Debian 13 with Python 3.11 in /usr/local."""
    base = folder / "base"
    if not (base / "usr/local/bin/python").exists():
        subprocess.run(["debootstrap", "--variant=minbase", f"--include={LIBRARIES}", "trixie", str(base)], check=True)
        less = shutil.ignore_patterns("site-packages", "test", "__pycache__")
        shutil.copytree(sys.base_prefix, base / "usr/local", symlinks=True, dirs_exist_ok=True, ignore=less)
        for name in ("python", "python3"):
            (base / "usr/local/bin" / name).unlink(missing_ok=True)
            (base / "usr/local/bin" / name).symlink_to("python3.11")
        # Python's own library lies in /usr/local/lib.
        subprocess.run(["chroot", str(base), "/sbin/ldconfig"], check=True)
    for setting in map(Path, HOST_SETTINGS):
        target = base / setting.relative_to("/")
        if setting.exists():
            suffix = "/." if setting.is_dir() else ""
            subprocess.run(["cp", "-rL", "--remove-destination", f"{setting}{suffix}", str(target)], check=True)
    return base
