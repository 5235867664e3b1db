"""Every kind of background work, one line each: what it is called, which queue it is in, what it
does. A leaf.

A queue is what a worker takes or leaves (``celery -Q``, ``WORKER_QUEUES``); each has its own
concurrency, so none waits for another. Adding a line adds a kind: docs/background-jobs.md.
"""

from __future__ import annotations

from typing import NamedTuple

PUBLISH, RECONCILE, PROCESS_PICTURES = "publish", "reconcile", "process-pictures"
LONG_TASK = "long-task"
INTERESTS = "interests"
QUEUES = ("publish", "lookup", "pictures", "import", "mail", "maintenance")


class Kind(NamedTuple):
    """One kind of work."""

    name: str
    """The name of the Celery task, or of the rows."""
    queue: str
    about: str
    """What it does, as people who run the site read it."""
    service: str = ""
    """``module:function`` that does it for a row of ``background_tasks``; takes a Run."""
    every_s: int = 0
    """Seconds from one run to the next; 0 for work that is asked for."""


def _chore(name: str, about: str, every_s: int) -> Kind:
    """Return a kind of upkeep: app/workers/chores.py has a function of its name."""
    return Kind(name, "maintenance", about, f"app.workers.chores:{name}", every_s)


KINDS = {
    kind.name: kind
    for kind in (
        Kind(PUBLISH, "publish", "Publishes tweets that are due."),
        Kind(RECONCILE, "lookup", "Looks up what may have been published."),
        Kind(PROCESS_PICTURES, "pictures", "Makes pictures fit to be shown and sent."),
        Kind(
            "import",
            "import",
            "Reads what is new of an account, to learn from it.",
            "app.learning:import_account",
        ),
        Kind(
            *("numbers", "import", "Reads how published tweets were answered."),
            *("app.learning:read_numbers", 5),
        ),
        Kind(
            "push",
            "mail",
            "Tells people in their browsers, and at URLs of their own.",
            *("app.push:send_due", 5),
        ),
        Kind("mail", "mail", "Sends mails that are due.", "app.mail.sending:send_due", 2),
        Kind(LONG_TASK, "maintenance", "Shows what a job is.", "app.workers.chores:long_task"),
        Kind(
            INTERESTS,
            "maintenance",
            "Finds what people write about, when that has changed.",
            "app.learning.interests:find_stale",
            5,
        ),
        Kind(
            "notices",
            "maintenance",
            "Finds what people must be told, and tells them.",
            "app.notices:look",
            4,
        ),
        Kind(
            "access-checks",
            "maintenance",
            "Asks whether accounts still work, some time before tweets are due.",
            "app.notices:check_access",
            10,
        ),
        Kind(
            "series",
            "maintenance",
            "Stores the tweets of series some weeks ahead.",
            *("app.planning:make_due", 5),
        ),
        Kind(
            "pools",
            "maintenance",
            "Gives free slots to evergreen tweets.",
            *("app.planning:feed_due", 10),
        ),
        _chore("limits", "Asks servers what they accept.", 60),
        _chore("avatars", "Fetches profile pictures.", 60),
        _chore("access", "Ends our access to accounts that were disconnected.", 10),
        _chore("deletions", "Deletes people who have asked for it, with all that is theirs.", 10),
        _chore("counts", "Counts the tweets of people who are here.", 10),
        _chore("rollups", "Adds up what was published and what failed, for the overview.", 30),
        _chore("sessions", "Ends old sessions, and deletes old entries of logs.", 600),
        _chore("retention", "Deletes tweets that ended long ago.", 60),
    )
}


def kinds_of(queues: frozenset[str]) -> tuple[str, ...]:
    """Return the kinds whose rows a worker of these queues does."""
    return tuple(kind.name for kind in KINDS.values() if kind.service and kind.queue in queues)
