"""Which kinds of mail somebody does not want, and the links in mails that end one kind."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from app.db import db, rows_changed
from app.models import Unsubscription

ASKED_FOR = frozenset({"confirm", "sign_up"})
"""Kinds that somebody has just asked for in a page: nobody unsubscribes from them."""


class Subscription(NamedTuple):
    """What a link to unsubscribe names."""

    recipient: str
    kind: str


def wants(recipient: str, kind: str) -> bool:
    """Return whether somebody gets this kind of mail."""
    return kind in ASKED_FOR or kind not in unwanted_by(recipient)


def unwanted_by(recipient: str) -> set[str]:
    """Return the kinds of mail that somebody does not want."""
    mine = Unsubscription.recipient == recipient
    return set(db.session.scalars(db.select(Unsubscription.kind).where(mine)))


def unwanted(recipients: Collection[str]) -> set[tuple[str, str]]:
    """Return the kinds of mail that these do not want, as pairs of recipient and kind."""
    theirs = Unsubscription.recipient.in_(recipients)
    pairs = db.session.execute(
        db.select(Unsubscription.recipient, Unsubscription.kind).where(theirs)
    )
    return {(recipient, kind) for recipient, kind in pairs if kind not in ASKED_FOR}


def switch(recipient: str, kind: str, wanted: bool) -> None:
    """Let somebody get a kind of mail, or no longer. The caller commits."""
    if wanted:
        mine = (Unsubscription.recipient == recipient, Unsubscription.kind == kind)
        rows_changed(delete(Unsubscription).where(*mine))
        return
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    row = insert(Unsubscription).values(recipient=recipient, kind=kind)
    db.session.execute(row.on_conflict_do_nothing())


def token_of(recipient: str, kind: str) -> str:
    """Return the token of the link that ends a kind of mail; it is good for ever.

    It is signed and stored nowhere: an old mail must still be able to end what it is one of.
    """
    return str(_signer().dumps([recipient, kind]))


def read(token: str) -> Subscription | None:
    """Return what a link names; None when it is not one of ours."""
    try:
        recipient, kind = _signer().loads(token)
    except (BadSignature, ValueError, TypeError):
        return None
    return Subscription(str(recipient), str(kind))


def _signer() -> URLSafeSerializer:
    older = current_app.config.get("SECRET_KEY_FALLBACKS") or []
    return URLSafeSerializer([*older, current_app.config["SECRET_KEY"]], salt="unsubscribe")
