"""Messages to browsers: encrypted for one of them, and signed with our key (RFC 8291, 8292)."""

from __future__ import annotations

import json
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any
from urllib.parse import quote, urlsplit

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
NOBODY = "https://localhost"
"""Whom to ask where nobody is known; some push services take no message then."""
_NAME = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9_-]*")


class Gone(Exception):
    """The browser has ended its subscription."""


class Unsigned(Exception):
    """The message cannot be signed, now or later: something is set wrong, or is our mistake."""


def public_key() -> str | None:
    """Return the key with which browsers subscribe; None where none is set."""
    if not current_app.config["VAPID_PRIVATE_KEY"]:
        return None
    raw = urlsafe_b64decode(f"{current_app.config['VAPID_PRIVATE_KEY'].rstrip('=')}=")
    private = ec.derive_private_key(int.from_bytes(raw), ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(point).rstrip(b"=").decode()


def contact(app_url: str | None, sender: str) -> str:
    """Return whom push services may ask about our messages: an URI that signing always takes.

    The site itself, if it has a name or an address on the internet: without port and path, which
    py_vapid refuses. Else whoever sends its mails, else nobody.

    :param sender: from whom mails come, perhaps with a name before the address.
    """
    host = urlsplit(app_url or "").hostname or ""
    if name := _full_name(host):
        return f"https://{name}"
    if ":" not in host and http.is_public(host):
        return f"https://{host}"
    user, _, domain = parseaddr(sender)[1].rpartition("@")
    name = _full_name(domain)
    return f"mailto:{quote(user, safe='+')}@{name}" if user and name else NOBODY


def _full_name(host: str) -> str | None:
    """Return a name of more than one label as it is looked up, None for any other host."""
    try:
        name = http.ascii_host(host).lower()
    except ValueError:
        return None
    return name if _NAME.fullmatch(name) else None


def send(subscription: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    """Send a message to a browser; False when its push service did not take it.

    :raises Gone: nothing will ever reach it again.
    :raises Unsigned: this message never will.
    """
    from pywebpush import WebPusher  # here: pages do without

    endpoint = subscription["endpoint"]
    body = WebPusher(dict(subscription)).encode(json.dumps(dict(content)).encode())["body"]
    headers = {
        **_signature(endpoint),
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


def _signature(endpoint: str) -> dict[str, str]:
    """Return the headers that say to a push service who sends. Raises Unsigned."""
    from py_vapid import Vapid02, VapidException  # here: pages do without

    config, parts = current_app.config, urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "sub": contact(config["APP_URL"], config["MAIL_FROM"]),
        "exp": int(time.time()) + TOKEN_SECONDS,
    }
    try:
        signed: dict[str, str] = Vapid02.from_string(config["VAPID_PRIVATE_KEY"]).sign(claims)
    except VapidException as error:
        raise Unsigned(str(error).partition(".")[0]) from None  # of fixed words, with no address
    return signed
