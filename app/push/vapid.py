"""Messages to browsers: encrypted for one of them, and signed with our key (RFC 8291, 8292)."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import current_app

from app.networks import http

SECONDS = 10.0
"""For one call of a push service in all."""
KEPT_SECONDS = 86_400
"""For which a push service keeps a message for a browser that is not there."""
TOKEN_SECONDS = 6 * 3600
GONE = (404, 410)


class Gone(Exception):
    """The browser has ended its subscription."""


def public_key() -> str | None:
    """Return the key with which browsers subscribe; None where none is set."""
    if not current_app.config["VAPID_PRIVATE_KEY"]:
        return None
    raw = urlsafe_b64decode(f"{current_app.config['VAPID_PRIVATE_KEY'].rstrip('=')}=")
    private = ec.derive_private_key(int.from_bytes(raw), ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(point).rstrip(b"=").decode()


def send(subscription: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    """Send a message to a browser; False when its push service did not take it.

    :raises Gone: nothing will ever reach it again.
    """
    from pywebpush import WebPusher  # here: pages do without

    endpoint = subscription["endpoint"]
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "sub": current_app.config["APP_URL"] or "https://localhost",
        "exp": int(time.time()) + TOKEN_SECONDS,
    }
    body = WebPusher(dict(subscription)).encode(json.dumps(dict(content)).encode())["body"]
    headers = {
        **_key().sign(claims),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(KEPT_SECONDS),
        "Urgency": "normal",
    }
    is_public = not current_app.config["ALLOW_PRIVATE_SERVERS"]
    try:
        answer = http.call(
            "POST",
            endpoint,
            timeout=SECONDS,
            public_only=is_public,
            quiet=True,
            data=body,
            headers=headers,
        )
    except (http.NotSent, http.NoResponse):
        return False
    if answer.status in GONE:
        raise Gone
    return 200 <= answer.status < 300


def _key() -> Any:
    from py_vapid import Vapid02  # here: pages do without

    return Vapid02.from_string(current_app.config["VAPID_PRIVATE_KEY"])
