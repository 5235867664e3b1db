"""Telling people of notices in their browsers and at URLs of their own, as soon as they are new."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import force_locale, ngettext

from app import push
from app.db import db
from app.models import Notice, User
from app.notices import wording
from app.sentences import told

TITLE = "Tweet Later"
USUAL_LANGUAGE = "en"


def queue(notice_ids: Sequence[int]) -> None:
    """Store a message for what is new, one for each cause; the caller commits.

    :param notice_ids: of new notices whose people want to be told in this way.
    """
    query = db.select(Notice).where(Notice.id.in_(notice_ids)).order_by(Notice.id)
    alike: dict[tuple[int, str], list[Notice]] = {}
    for one in db.session.scalars(query) if notice_ids else ():
        alike.setdefault((one.user_id, one.topic), []).append(one)
    reached = push.reached(user_id for user_id, _ in alike)
    for (user_id, _topic), notices in alike.items():
        if user_id in reached:
            _queue_one(db.session.get_one(User, user_id), notices)


def _queue_one(user: User, notices: Sequence[Notice]) -> None:
    first, others = notices[0], len(notices) - 1
    with force_locale(user.locale or USUAL_LANGUAGE):
        text = told(wording.facts_of([first])[0], user.zone)
        if others:
            more = ngettext("And %(num)s more.", "And %(num)s more.", others)
            text = f"{text} {more}"
    push.queue(user.id, TITLE, text, wording.path_of(first))
