"""A browser that takes messages: its subscription, and how it reads what its push service got."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AUTH = bytes(range(16))


def encoded(data: bytes) -> str:
    """Return bytes as browsers write them."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Browser:
    """Has a subscription at a push service, and reads what arrives there."""

    def __init__(self, service: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.subscription = {
            "endpoint": f"{service}/push/secret",
            "keys": {"p256dh": encoded(point), "auth": encoded(AUTH)},
        }

    def read(self, body: bytes) -> dict[str, Any]:
        """Decrypt a message."""
        plain = http_ece.decrypt(body, private_key=self._key, auth_secret=AUTH)
        found: dict[str, Any] = json.loads(plain)
        return found
