"""The import of one account: all that is new of each of its lists, page by page."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy import update

from app import background
from app.background import Lost, Run, Stopped
from app.db import db, retry_transient, rows_changed, utcnow
from app.learning import allowance, best_hours, pages, reading
from app.learning.reading import Ended, Subject
from app.learning.steps import MOST, Position, following
from app.models import Learning, ReadingList
from app.networks import ReadKind
from app.precedence import step_aside
from app.shutdown import stopping

KIND = "import"
WHOLE_EVERY = 4
"""Where reading is free, one of so many runs reads everything again."""
ASIDE_SECONDS = 2.0
"""Before each page, at most, while this process publishes."""
TELL_EVERY = 2.0
"""Seconds from one note of how far a run has come to the next."""
LATE = 600.0
"""Seconds after which a run that is late was not merely waiting its turn: there was an outage."""
JITTER = 0.15
"""Of an interval, at random, so that accounts which began together do not stay together."""
FASTER, SLOWER = 0.5, 1.5
RETRY_SECONDS = 900.0
"""At most, after a failure that may be over soon."""
LASTING = {"access_ended", "access_refused", "not_allowed"}
"""What only the account's owner can mend."""


@dataclass
class Import:
    """One run: whose lists are read, and what it has found so far."""

    run: Run
    subject: Subject
    is_whole: bool
    """Everything is read again, and not only what is new."""
    new: int = 0
    changed: int = 0
    told_at: float = field(default_factory=time.monotonic)

    def go_on(self, percent: int) -> None:
        """Let tweets go first, and note now and then that this run goes on.

        :raises Stopped: and Lost.
        """
        step_aside(ASIDE_SECONDS)
        if stopping.is_set():
            raise Stopped
        if time.monotonic() - self.told_at >= TELL_EVERY:
            self.told_at = time.monotonic()
            self.run.advance(percent)


def import_account(run: Run) -> str:
    """Read what is new of an account, and say in its rows how that ended.

    :raises app.background.Stopped: and Lost; another worker goes on.
    """
    begun = retry_transient(partial(_begin, run))
    if begun is None:
        return "off"
    every = float(run.every_s or current_app.config["IMPORT_INTERVAL"])
    if run.late_s > max(LATE, every):
        run.again_s = random.uniform(0, every)  # all are late, and at once would be a burst
        return "put off"
    problem = _read_lists(begun)
    run.again_s = retry_transient(partial(_end, begun, problem, every))
    return problem.code if problem else f"{begun.new} new, {begun.changed} changed"


def _begin(run: Run) -> Import | None:
    """Return the run as it begins; None for an account from which nothing is to be learnt."""
    learning = db.session.get(Learning, int(run.subject), populate_existing=True)
    account = learning.account if learning else None
    if learning is None or account is None or not (learning.enabled and account.connected):
        background.end_intervals(KIND, run.subject)
        db.session.commit()
        return None
    network = current_app.extensions["networks"][account.network]
    subject = Subject(account.id, account.user_id, account.remote_id, network)
    is_turn = learning.runs % WHOLE_EVERY == WHOLE_EVERY - 1
    begun = Import(run, subject, learning.whole or (subject.is_free and is_turn))
    db.session.commit()
    return begun


def _read_lists(begun: Import) -> Ended | None:
    """Read each list; return why one of them could not be read to its end."""
    problem = None
    for kind in begun.subject.network.reads:
        try:
            _read_list(begun, kind)
        except Ended as ended:
            problem = ended
            if ended.after is not None:
                break  # the account is to be left alone
        except pages.Overtaken as other:
            raise Lost from other
    return problem


def _read_list(begun: Import, kind: ReadKind) -> None:
    """Read a list to the end of what is new, or of what may be read. Raises Ended."""
    position = retry_transient(partial(_position, begun, kind))
    wants_news, cursors = True, set[str]()
    while position is not None and (step := following(kind, position, wants_news)):
        begun.go_on(min(99, 100 * position.back_count // MOST[kind]))
        try:
            answer = reading.read(begun.subject, step)
        except Ended as ended:
            if ended.code == "cursor_lost":
                retry_transient(partial(pages.lose_cursor, begun.subject, step))
            raise
        if answer is None:
            return
        asked, page, reserved = answer
        cursors.add(asked.cursor or "")
        is_loop = page.following is not None and page.following in cursors
        store = partial(pages.store, begun.subject, step, page, reserved, is_loop=is_loop)
        stored = retry_transient(store)
        begun.new += stored.new
        begun.changed += stored.changed + stored.gone
        if is_loop:
            raise Ended("page_loop")
        position, wants_news = stored.position, wants_news and not stored.position.is_read
        is_last = kind == begun.subject.network.reads[-1]
        if page.rest_s > 0 and not (is_last and following(kind, position, wants_news) is None):
            raise Ended("rate_limited", after=page.rest_s)


def _position(begun: Import, kind: ReadKind) -> Position | None:
    """Return where a list is read on; None for one that is not to be read now."""
    this = (ReadingList.account_id == begun.subject.account_id, ReadingList.kind == kind)
    row = db.session.scalar(
        db.select(ReadingList).where(*this).execution_options(populate_existing=True)
    )
    position = Position.of(row) if row and row.wanted and not _rests(begun, row) else None
    if position is not None and begun.is_whole and position.back_done:
        as_read = ReadingList.version == position.version
        position = position.begun_anew()
        values = {**position.columns(), "version": position.version}
        if not rows_changed(update(ReadingList).where(*this, as_read).values(values)):
            raise pages.Overtaken
    db.session.commit()
    return position


def _rests(begun: Import, row: ReadingList) -> bool:
    """Whether it is so expensive that once a month is enough, and that was done."""
    is_dear = not begun.subject.is_free and row.kind == ReadKind.FOLLOWS
    if not is_dear or begun.is_whole or row.read_at is None or not row.back_done:
        return False
    return bool(row.read_at.strftime(allowance.MONTH) == allowance.this_month())


def _end(begun: Import, problem: Ended | None, every: float) -> float:
    """Store how the run ended; return in how many seconds the next one begins."""
    this = Learning.account_id == begun.subject.account_id
    told: dict[str, Any] = {
        "last_run_at": utcnow(),
        "error_code": problem.code if problem else None,
        "error_detail": (problem.detail or None) if problem else None,
    }
    pace = db.session.scalar(db.select(Learning.pace).where(this)) or 1.0
    if problem is None:
        told |= {"runs": Learning.runs + 1, "whole": False, "pace": _paced(begun, pace, every)}
    rows_changed(update(Learning).where(this).values(told))
    if begun.new or begun.changed:
        best_hours.look_again(begun.subject.account_id)
    db.session.commit()
    if problem is None:
        return every * float(told["pace"]) * random.uniform(1 - JITTER, 1 + JITTER)
    if problem.after is not None:
        return problem.after + random.uniform(0.1, 1 + JITTER * problem.after)
    return every if problem.code in LASTING else min(every, RETRY_SECONDS)


def _paced(begun: Import, pace: float, every: float) -> float:
    """Return the number of intervals to the next run."""
    learning = db.session.get_one(Learning, begun.subject.account_id)
    if learning.runs == 0:
        return 1.0
    pace *= FASTER if begun.new or begun.changed else SLOWER
    fastest = current_app.config["IMPORT_INTERVAL_MIN"] / every
    slowest = current_app.config["IMPORT_INTERVAL_MAX"] / every
    return float(max(fastest, min(slowest, pace)))
