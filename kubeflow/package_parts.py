"""Parts of the package's configuration: where values come from, the metadata store, volumes, the notification."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

# Unknown fields are errors.
CHECKED = ConfigDict(extra="forbid")

# What the pods of all steps are labelled with: the key and the value.
LABEL = ("app.kubernetes.io/name", "community-din-step")

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
Key = Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$")]


@dataclass(frozen=True, config=CHECKED)
class Setting:
    """A value for an environment variable: given here, or the key of a secret or of a config map.

    Args:
        value: The value itself.
        secret: The secret's name.
        config_map: The config map's name.
        key: The key in the secret or the config map.
    """

    value: str | None = None
    secret: Name | None = None
    config_map: Name | None = None
    key: Key | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Setting:
        origins = [name for name in ("value", "secret", "config_map") if getattr(self, name) is not None]
        if len(origins) != 1:
            raise ValueError(f"exactly one of `value`, `secret` and `config_map` must be given, not {origins or 'none'}")
        if (self.key is None) != (origins == ["value"]):
            raise ValueError("`key` must be given with `secret` or `config_map`, and only with these")
        return self


@dataclass(frozen=True, config=CHECKED)
class Tls:
    """How the connection to the database is encrypted. Client certificates are not offered.

    Args:
        mode: As PostgreSQL's `sslmode`: `require` checks no certificate, `verify-ca` who has signed it, `verify-full` the
            host's name too.
        root_certificate: Certificates of those who may sign, in PEM; by default those that the image trusts.
    """

    mode: Literal["require", "verify-ca", "verify-full"] = "verify-full"
    root_certificate: Setting | None = None


@dataclass(frozen=True, config=CHECKED)
class MetadataStore:
    """The PostgreSQL database of ML Metadata, which all steps and runs share; it must exist.

    Args:
        host: Its host.
        port: Its port.
        database: The database's name.
        user: The user, who may create tables in it.
        password: The password; from a secret only.
        tls: How the connection is encrypted; by default it is not.
    """

    host: Setting
    database: Setting
    user: Setting
    password: Setting
    port: Setting = Setting(value="5432")
    tls: Tls | None = None

    @model_validator(mode="after")
    def _secret_password(self) -> MetadataStore:
        if self.password.secret is None:
            raise ValueError("`password` must come from a secret")
        return self


@dataclass(frozen=True, config=CHECKED)
class Volume:
    """A persistent volume claim that every step mounts.

    Args:
        claim: The claim's name.
        mount_path: Where.
        sub_path: A folder of the volume; by default its root.
    """

    claim: Name
    mount_path: Annotated[str, Field(pattern=r"^/.*[^/]$")]
    sub_path: str = ""


@dataclass(frozen=True, config=CHECKED)
class Notification:
    """Who is told how a run ended: an HTTP POST of JSON, whose `text` chat services show.

    Args:
        webhook: The address; best from a secret, since it is one.
        on: Which runs: those that failed, or all.
    """

    webhook: Setting
    on: Literal["failure", "always"] = "failure"
