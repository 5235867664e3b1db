"""Asking for a page of a list: with fresh credentials, within what it may cost."""

from __future__ import annotations

from typing import NamedTuple

from app.accounts import Access, credentials, holds
from app.db import db, retry_transient
from app.learning import allowance
from app.learning.allowance import Reserved
from app.learning.steps import Step
from app.networks import (
    Asked,
    CursorLost,
    HistoryPage,
    LookUpFailed,
    LookUpRefused,
    Network,
    TokenRefused,
)


class Ended(Exception):
    """A list cannot be read on now: ``code`` says why."""

    def __init__(
        self, code: str, detail: str = "", after: float | None = None, *, may_cost: bool = False
    ) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail
        self.after = after
        """Seconds for which the account is to be left alone, None when that is not known."""
        self.may_cost = may_cost
        """The answer was lost, so what was asked for may have been charged."""


class Subject(NamedTuple):
    """Whose lists are read."""

    account_id: int
    user_id: int
    remote_id: str
    network: Network

    @property
    def is_free(self) -> bool:
        """Whether reading costs nothing."""
        return not self.network.read_prices


def read(subject: Subject, step: Step) -> tuple[Asked, HistoryPage, Reserved | None] | None:
    """Return a page, what was asked for it, and what was counted; None when no more may be read.

    :raises Ended: there is no page.
    """
    reserved = None
    if not subject.is_free:
        least = subject.network.smallest_reads.get(step.kind, 1)
        most = max(least, step.size())
        reserved = allowance.reserve(subject.account_id, step.kind, most, least)
        if reserved is None:
            return None
    asked = step.asked(reserved.count if reserved else None)
    try:
        return asked, _ask(subject, asked), reserved
    except Ended as problem:
        if reserved is not None and not problem.may_cost:
            allowance.give_back(reserved)
        raise


def _ask(subject: Subject, asked: Asked) -> HistoryPage:
    access = _access_to(subject)
    if not subject.network.lets_read(access.credentials, [asked.kind]):
        raise Ended("needs_consent")
    try:
        return _asked_once(subject, access, asked)
    except TokenRefused as refusal:
        if not subject.network.can_refresh(access.credentials):
            raise Ended("access_refused", str(refusal)) from refusal
    retry_transient(lambda: _doubt(subject, access))
    try:
        return _asked_once(subject, _access_to(subject), asked)
    except TokenRefused as refusal:
        raise Ended("access_refused", str(refusal)) from refusal


def _asked_once(subject: Subject, access: Access, asked: Asked) -> HistoryPage:
    try:
        return subject.network.history(access.credentials, subject.remote_id, asked)
    except LookUpRefused as refusal:
        raise Ended(refusal.code, str(refusal)) from refusal
    except CursorLost as loss:
        raise Ended("cursor_lost", str(loss)) from loss
    except LookUpFailed as failure:
        if failure.retry_after is not None:
            raise Ended("rate_limited", str(failure), failure.retry_after) from failure
        raise Ended("unreachable", str(failure), may_cost=failure.unanswered) from failure


def _access_to(subject: Subject) -> Access:
    """Return credentials that the network should accept. Raises Ended."""
    try:
        return credentials.access_to(subject.account_id)
    except credentials.NotNow as wait:
        raise Ended("unreachable", after=max(1.0, wait.after)) from wait
    except credentials.NoAccess as problem:
        raise Ended("access_ended") from problem


def _doubt(subject: Subject, access: Access) -> None:
    """Let the access be refreshed before it is used again."""
    holds.doubt_access(subject.account_id, access.version)
    db.session.commit()
