"""What a site needs done now and then: the services of the kinds in app/kinds.py.

Each takes the Run that it is, and returns what it did in a few words, or nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from app import background, mail, tweet_files
from app.accounts import access_ends, audit, deletion, disconnections, pending
from app.accounts import avatars as avatars_of_accounts
from app.accounts import limits as limits_of_accounts
from app.accounts import sessions as sessions_of_people
from app.background import Run
from app.db import rollback_quietly
from app.delivery import retention as retention_of_tweets
from app.models import delivery_rollup, submissions, tweet_counts
from app.shutdown import stopping

log = logging.getLogger(__name__)

_rests_until: dict[str, float] = {}
"""By kind, until when this process does it no more, on the monotonic clock."""

AT_A_TIME = 24
"""Calls to networks in parallel; how many of one server, those say that choose the accounts."""
ROUNDS = 20
"""Rounds of one run; what is left then waits for the next one."""
BETWEEN_BATCHES = 0.1
"""Seconds in which others may write."""
STEP_SECONDS = 0.25
SHARE = 20
"""Of what rests, a run is followed by so many times its length without one."""


def long_task(run: Run) -> None:
    """Take ``LONG_TASK_SECONDS`` and tell how far it has come: what a background job is."""
    log.info("Running a long task")
    seconds: float = current_app.config["LONG_TASK_SECONDS"]
    steps = max(1, round(seconds / STEP_SECONDS))
    for step in range(steps):
        run.advance(100 * step // steps)
        if step == steps * 4 // 5:
            log.info("Almost done")
        stopping.wait(seconds / steps)
    run.advance(99)
    if run.finish("DONE"):
        log.info("DONE")


def limits(run: Run) -> str:
    """Ask what servers accept and when access ends, where that is unknown or a day old."""
    measured = _for_each(run, limits_of_accounts.outdated, limits_of_accounts.measure)
    return f"{measured}, {_for_each(run, access_ends.outdated, access_ends.find_out)}"


def avatars(run: Run) -> str:
    """Fetch avatars that were never fetched, or a week ago."""
    return _for_each(run, avatars_of_accounts.outdated, avatars_of_accounts.fetch)


def access(run: Run) -> str:
    """End access at the networks: of disconnected accounts, and of connections never confirmed."""
    ended = _for_each(run, disconnections.leaving, disconnections.finish)
    expired = _for_each(run, lambda: [one for one, _ in pending.expired()], pending.sweep)
    return f"{ended}, {expired}"


def deletions(run: Run) -> str:
    """Delete people who have asked for it, as far as their networks and the storage allow."""
    deletion.close_due()
    people = deletion.closed()
    gone = [user_id for user_id in people if deletion.erase(user_id, lambda: run.advance(0))]
    return f"{len(gone)} of {len(people)}"


def counts(_run: Run) -> str:
    """Count the tweets of people who are here, for the tabs of their lists."""
    return str(tweet_counts.recount_due())


def rollups(run: Run) -> str:
    """Add up what was published and what failed, by hour, day and month.

    In an hour with very many jobs that takes seconds: it is done less often then.
    """
    began = time.monotonic()
    if began < _rests_until.get(run.kind, 0):
        return "rests"
    hours = delivery_rollup.roll_up(lambda: run.advance(0))
    ended = time.monotonic()
    _rests_until[run.kind] = ended + SHARE * (ended - began)
    return str(hours)


def sessions(_run: Run) -> None:
    """Delete sessions that nobody uses any more, old entries of logs, tasks, mails and links."""
    sessions_of_people.sweep()
    audit.sweep()
    mail.outbox.forget_old()
    mail.links.forget_old()
    tweet_files.forget_old()
    background.forget_old()
    submissions.forget_old()


def retention(run: Run) -> str:
    """Delete what ended ``KEEP_DAYS`` ago."""
    one_round, count = retention_of_tweets.Retention(), 0
    while not one_round.is_over:
        run.advance(0)
        count += one_round.sweep()
        stopping.wait(BETWEEN_BATCHES)
    return str(count)


def _for_each(
    run: Run, wanted: Callable[[], Sequence[Any]], service: Callable[[Sequence[Any]], None]
) -> str:
    """Do something for everything that wants it, many at a time; return how many there were."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    seen: set[Any] = set()
    for _ in range(ROUNDS):
        run.advance(0)
        fresh = [one for one in wanted() if one not in seen]
        if not fresh:
            break
        seen.update(fresh)
        with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix=run.kind) as executor:
            wait([executor.submit(_do, app, service, one) for one in fresh])
    return str(len(seen))


def _do(app: Flask, service: Callable[[Sequence[Any]], None], subject: Any) -> None:
    with app.app_context():
        try:
            service([subject])
        except Exception as error:
            # It is wanted still, so the next run tries again.
            unexpected = not isinstance(error, SQLAlchemyError)
            log.error("a chore failed: %s", type(error).__name__, exc_info=unexpected)
            rollback_quietly()
