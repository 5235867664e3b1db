"""E-mail: rows that are sent by workers, people's addresses, and the reminder. docs/mail.md."""

from __future__ import annotations

from flask import Flask
from flask_babel import Babel
from flask_mailman import Mail

from app.mail import addresses, links, outbox, reminders, subscriptions
from app.mail.outbox import is_offered, queue

__all__ = [
    "addresses",
    "init_app",
    "is_offered",
    "links",
    "outbox",
    "queue",
    "reminders",
    "subscriptions",
]


def init_app(app: Flask) -> None:
    """Let mails be made, and workers write in people's languages; pages have that already."""
    Mail(app)
    if "babel" not in app.extensions:
        Babel(app, configure_jinja=False)
