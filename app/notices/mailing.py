"""Mails about notices: what has one cause on one account, and is near in time, is one mail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import select, update

from app import mail
from app.db import database_now, db, from_now
from app.models import Notice, NoticeKind, notice
from app.notices import wording
from app.notices.digests import DIGEST

FAILURES, WARNING = "failures", "warning"
"""Kinds of mail: each has its templates, and a link that ends it."""
KINDS = {
    NoticeKind.FAILED: FAILURES,
    NoticeKind.HELD: FAILURES,
    NoticeKind.REVIEW: FAILURES,
    NoticeKind.PUBLISHED: "published",
    NoticeKind.ACCESS_ENDING: WARNING,
    NoticeKind.ACCESS_ENDED: WARNING,
    NoticeKind.DIGEST: DIGEST,
}
AT_A_TIME = 200
"""People whose mails are made in one run."""
MAX_LISTED = 20
"""Tweets that one mail names; of the others it says how many there are."""

MAX_ASKED = 100
"""Notices of one mail of which it is asked, before it is sent, whether they are still so."""


class Together(NamedTuple):
    """Notices that share a mail, the earliest first."""

    user_id: int
    kind: NoticeKind
    notices: Sequence[Any]


def queue_due() -> int:
    """Store the mails that are due; return how many. Each is a transaction of its own."""
    now = database_now()
    whose = select(Notice.user_id).where(Notice.mail_at <= from_now()).limit(AT_A_TIME).distinct()
    user_ids = list(db.session.scalars(whose))
    waiting = _waiting_of(user_ids)
    db.session.commit()
    due = (group for group in waiting if group.notices[0].mail_at <= now)
    return sum(_queue(group) for group in due)


def _waiting_of(user_ids: Sequence[int]) -> list[Together]:
    """Return the mails that these people are to get, those that are not due yet, too."""
    columns = (Notice.id, Notice.user_id, Notice.kind, Notice.topic, Notice.at, Notice.mail_at)
    theirs = (Notice.mail_at.is_not(None), Notice.user_id.in_(user_ids))
    order = (Notice.user_id, Notice.topic, Notice.at, Notice.id)
    rows = db.session.execute(select(*columns).where(*theirs).order_by(*order)).all()
    by_topic = groupby(rows, key=lambda row: (row.user_id, row.topic))
    return [group for _, same in by_topic for group in _near_in_time(same)]


def _near_in_time(rows: Iterable[Any]) -> Iterable[Together]:
    """Divide the notices of one topic: a mail has what happened soon after its first one."""
    wait = timedelta(seconds=current_app.config["NOTICE_WAIT"])
    near: list[Any] = []
    for row in rows:
        if near and row.at > near[0].at + wait:
            yield Together(near[0].user_id, NoticeKind(near[0].kind), near)
            near = []
        near.append(row)
    if near:
        yield Together(near[0].user_id, NoticeKind(near[0].kind), near)


def _queue(group: Together) -> bool:
    """Store one mail, and that its notices have theirs; False where nobody gets it. Commits."""
    ids = [row.id for row in group.notices]
    mine = update(Notice).where(Notice.id.in_(ids), Notice.mail_at.is_not(None))
    taken = mine.values(mail_at=None).returning(Notice.id)
    found = sorted(db.session.scalars(taken, execution_options={"synchronize_session": False}))
    wanted = sorted(notice.still_so(found))
    stored = bool(wanted) and mail.queue(
        group.user_id,
        KINDS[group.kind],
        _facts(wanted),
        key=f"notice:{found[0]}",
    )
    db.session.commit()
    return stored


def _facts(ids: Sequence[int]) -> dict[str, Any]:
    """Return what the templates fill in: of one cause, on one account, all that happened."""
    listed = db.session.scalars(
        select(Notice).where(Notice.id.in_(ids[:MAX_LISTED])).order_by(Notice.id)
    ).all()
    known = wording.facts_of(listed)
    return {
        "notice": known[0],
        "jobs": [
            {"path": wording.path_of(one), "words": facts["words"], "due_at": facts["due_at"]}
            for one, facts in zip(listed, known, strict=True)
            if one.job_id
        ],
        "more": len(ids) - len(listed),
        "notices": list(ids[:MAX_ASKED]),
    }
