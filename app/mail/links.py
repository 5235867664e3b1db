"""Links that prove an address: random, good once, and only for a day. Only hashes are stored."""

from __future__ import annotations

import secrets

from flask import current_app
from sqlalchemy import delete, update

from app.db import db, from_now, rows_changed
from app.models import EmailLink, LinkKind, hash_of

KEPT_SECONDS = 7 * 86_400
"""How long a link that has expired stays in its table."""


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(32)


def keep(
    token: str, kind: LinkKind, address: str, user_id: int | None = None, *, from_s: float = 0
) -> None:
    """Store a link; it is good for ``LINK_LIFETIME``. The caller commits.

    :param from_s: seconds from now when that time begins.
    """
    lasts_s = from_s + current_app.config["LINK_LIFETIME"]
    row = EmailLink(token_hash=hash_of(token), kind=kind, address=address, user_id=user_id)
    row.expires_at = from_now(lasts_s)
    db.session.add(row)


def find(token: str, kind: LinkKind) -> EmailLink | None:
    """Return a link that can be used; None when it was used, is too old or is none of ours."""
    usable = (EmailLink.used_at.is_(None), EmailLink.expires_at > from_now())
    this = (EmailLink.token_hash == hash_of(token), EmailLink.kind == kind)
    return db.session.scalar(db.select(EmailLink).where(*this, *usable))


def use(token: str, kind: LinkKind) -> EmailLink | None:
    """Use a link: of two who try at the same time, one succeeds. The caller commits."""
    link = find(token, kind)
    if link is None:
        return None
    unused = (EmailLink.token_hash == link.token_hash, EmailLink.used_at.is_(None))
    return (
        link if rows_changed(update(EmailLink).where(*unused).values(used_at=from_now())) else None
    )


def use_up(kind: LinkKind, address: str) -> None:
    """Let no link of a kind to an address be used any more. The caller commits."""
    unused = (EmailLink.kind == kind, EmailLink.address == address, EmailLink.used_at.is_(None))
    rows_changed(update(EmailLink).where(*unused).values(used_at=from_now()))


def forget_old() -> None:
    """Delete links that expired a week ago, and commit."""
    rows_changed(delete(EmailLink).where(EmailLink.expires_at < from_now(-KEPT_SECONDS)))
    db.session.commit()
