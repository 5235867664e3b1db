"""How what happened becomes rows: who is told of it, and in which ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import current_app

from app.models import NoticeKind, notice
from app.notices import pushing

FOUND_WITHIN = timedelta(seconds=6)
"""After so long, all is found that happened until a moment; so long a mail waits for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """One thing that somebody is to be told."""

    kind: NoticeKind
    key: str
    """The same for the same occurrence, whoever finds it."""
    at: datetime
    user_id: int
    cause: str
    """A code: why, in the words of ``error_code`` or HoldReason."""
    account_id: int | None = None
    job_id: str | None = None
    tweet_id: int | None = None
    version: int | None = None
    code: str | None = None
    """What the network said, where the cause does not name it."""
    ends_at: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


def store(happened: Sequence[Happened]) -> int:
    """Store a notice of each, once, as its person wants to be told; return how many are new.

    The caller commits.
    """
    if not happened:
        return 0
    choices = notice.choices_of(one.user_id for one in happened)
    new = notice.store([_row(one, choices[one.user_id][one.kind]) for one in happened])
    wanted = (one for one in happened if choices[one.user_id][one.kind]["push"])
    pushing.queue([new[one.key] for one in wanted if one.key in new])
    return len(new)


def _row(one: Happened, wanted: Mapping[str, bool]) -> dict[str, Any]:
    wait = timedelta(seconds=current_app.config["NOTICE_WAIT"])
    facts = {
        "cause": one.cause,
        "code": one.code,
        "tweet_id": one.tweet_id,
        "ends_at": one.ends_at,
        "counts": dict(one.counts),
    }
    return {
        "user_id": one.user_id,
        "kind": one.kind,
        "key": one.key,
        "at": one.at,
        "bell": wanted["bell"],
        "mail_at": one.at + wait + FOUND_WITHIN if wanted["mail"] else None,
        "topic": f"{one.kind}:{one.account_id or ''}:{one.cause}",
        "account_id": one.account_id,
        "version": one.version,
        "job_id": one.job_id,
        "facts": {name: value for name, value in facts.items() if value not in (None, {})},
    }
