"""How a person wants to be told: of each kind of notice by mail, at the bell, by push."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects import postgresql, sqlite

from app.db import database_now, db
from app.mail import subscriptions
from app.models import NoticeKind, User, mail, notice
from app.notices.digests import next_after
from app.notices.mailing import KINDS

REMINDER = "reminder"


def of_user(user_id: int) -> dict[str, Any]:
    """Return ``{kind: {"mail", "bell", "push"}, "reminder"}``, as it holds now.

    What was ended by the link in a mail is off here, too.
    """
    unwanted = subscriptions.unwanted_by(mail.of_user(user_id))
    return _effective(notice.choices_of([user_id])[user_id], unwanted)


def _effective(chosen: notice.Choice, unwanted: set[str]) -> dict[str, Any]:
    kinds = {
        kind: {**ways, "mail": ways["mail"] and KINDS[NoticeKind(kind)] not in unwanted}
        for kind, ways in chosen.items()
    }
    return {**kinds, REMINDER: REMINDER not in unwanted}


def change(user: User, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Change what is named, leave the rest as it is, and return all of it. Commits.

    :param wanted: ``{kind: {channel: bool}}``, perhaps with ``reminder``.
    """
    before = of_user(user.id)
    chosen = {kind.value: {**before[kind], **wanted.get(kind, {})} for kind in NoticeKind}
    recipient = mail.of_user(user.id)
    if REMINDER in wanted:
        subscriptions.switch(recipient, REMINDER, wanted[REMINDER])
    for kind in set(KINDS.values()):  # what a link has ended is said of each kind from now on
        subscriptions.switch(recipient, kind, wanted=True)
    _store(user, chosen)
    db.session.commit()
    return of_user(user.id)


def _store(user: User, chosen: dict[str, dict[str, bool]]) -> None:
    next_digest = None
    if any(chosen[NoticeKind.DIGEST].values()):
        next_digest = next_after(database_now(), user.zone)
    values: dict[str, Any] = {
        "chosen": chosen,
        "wants_published": any(chosen[NoticeKind.PUBLISHED].values()),
        "digest_at": next_digest,
    }
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    row = insert(notice.NoticeSettings).values(user_id=user.id, **values)
    if next_digest is not None:  # one that is due already stays so, whatever else is changed
        known = notice.NoticeSettings.digest_at
        values["digest_at"] = func.coalesce(known, row.excluded.digest_at)
    db.session.execute(row.on_conflict_do_update(index_elements=["user_id"], set_=values))
