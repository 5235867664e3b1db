"""People with addresses, mails that are due, and a worker's run in this process."""

from __future__ import annotations

import re
import smtplib
from typing import Any

from app import background, mail
from app.db import db, from_now, utcnow
from app.mail import sending
from app.models import BackgroundTask, EmailAddress, Mail, User
from tests.support.world import World

LINK = re.compile(r"https?://[^/\s]+(/(?:email/confirm|sign-up|unsubscribe)/[\w.=-]+)")


def links_in(mail_shown: dict[str, Any]) -> list[str]:
    """Return the paths of the links in a mail's plain text that hold a token."""
    return LINK.findall(mail_shown["text"])


def person(world: World, address: str, **settings: Any) -> int:
    """Store somebody with a confirmed address; return their id."""
    with world.rows():
        user = User(late_tolerance=3600, **settings)
        db.session.add(user)
        db.session.flush()
        known = EmailAddress(user_id=user.id, address=address, confirmed_at=utcnow())
        db.session.add(known)
        db.session.commit()
        return user.id


def remind(world: World, user_id: int, network: str = "x") -> None:
    """Queue a mail that needs nothing but a person: the reminder, due now."""
    with world.rows():
        facts = {"about": network, "title": network.title(), "link": "/accounts"}
        assert mail.queue(user_id, "reminder", facts, key=f"reminder:user:{user_id}:{network}")
        db.session.commit()


def run(world: World) -> str | None:
    """Let a run of the kind ``mail`` send what is due; return what it says."""
    with world.rows():
        background.keep_intervals()
        make_due(BackgroundTask)
        (found,) = background.claim(("mail",), 1, "test")
        result = sending.send_due(found)
        found.finish(result)
        return result


def make_due(model: Any = Mail) -> None:
    """Let everything that waits be due now, as if its time had come."""
    db.session.execute(
        db.update(model).where(model.next_at.is_not(None)).values(next_at=from_now(-1))
    )
    db.session.commit()


def rows(world: World) -> list[Mail]:
    """Return all mails as they are now, detached."""
    with world.rows():
        found = list(db.session.scalars(db.select(Mail).order_by(Mail.id)))
        for row in found:
            db.session.expunge(row)
        return found


def speaks(port: int) -> bool:
    """Whether a mail server greets."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=2) as server:
            return server.noop()[0] == 250
    except OSError:
        return False
