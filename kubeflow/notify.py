"""Tells a webhook how a run ended."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping

# The environment variable that holds the address.
WEBHOOK = "NOTIFICATION_WEBHOOK"
_SECONDS = 20


def post(address: str, content: Mapping[str, str]) -> None:
    """Sends an HTTP POST of JSON.

    Raises:
        ValueError: The address is not http or https.
        RuntimeError: It could not be sent. No message holds the address, which may be a secret.
    """
    if not address.startswith(("https://", "http://")):
        raise ValueError(f"`{WEBHOOK}` must hold an http or https address. Received: another one, not shown.")
    request = urllib.request.Request(
        address, json.dumps(content).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):
            pass
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"The notification was refused: HTTP {error.code} {error.reason}.") from None
    except (urllib.error.URLError, TimeoutError) as error:
        reason = getattr(error, "reason", error)
        raise RuntimeError(f"The notification could not be sent: {reason}.") from None
