"""Sends messages through Apprise, which knows 150 services: docs/decisions/0027."""

from __future__ import annotations

from app.apprise.process import SEND_SECONDS, Message, send

__all__ = ["SEND_SECONDS", "Message", "send"]
