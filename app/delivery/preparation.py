"""Prepares a tweet before it is sent: uploads pictures, looks up mentions and cards.

This happens between the claim and the intent. Nothing is published yet, so every step may be
repeated. The network's id of a picture is stored, so that the next claim uploads nothing twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask

from app import pictures
from app.accounts import Access
from app.concurrency import ConcurrencyLimiter
from app.db import db, from_now, retry_transient
from app.delivery.claims import Claim, renew_lease
from app.delivery.executor import PREPARATIONS, Executor
from app.delivery.outcomes import SendResult
from app.delivery.payload import Materials
from app.models import Delivery, Upload
from app.networks import (
    Credentials,
    Limits,
    LookUpFailed,
    LookUpRefused,
    Network,
    Outcome,
    OutcomeKind,
    QuoteRefused,
    TokenRefused,
    UploadRefused,
    http,
)

log = logging.getLogger(__name__)

OF_AN_ACCOUNT = 4
"""Preparations of one account in parallel: if its uploads hang, others need not wait."""
OF_A_SERVER = 24
"""Preparations at one server in parallel: if it hangs, tweets for others need not wait. More than
one person may have, since X and Facebook are one server for everybody."""
OF_A_PERSON = 12
"""Preparations of one person in parallel, over all of their accounts."""
ROOM_AGAIN = 1.0
"""Seconds after which a tweet is claimed again when there was no room to prepare it."""
KEPT_FOR = 240.0
"""Seconds for which an upload stays valid: Bluesky soon deletes pictures without a post."""
LIMITS_KEPT_FOR = 3600.0


@dataclass(frozen=True, slots=True)
class Preparation:
    """The result of a preparation: None when the claim is lost or was not started."""

    claim: Claim
    result: Materials | SendResult | None


class _Lost(Exception):
    """The lease is over or the process stops; another worker will prepare it."""


class Preparer:
    """Prepares a publisher's claims on other threads."""

    def __init__(
        self,
        app: Flask,
        owner: str,
        threads: Executor,
        stopping: threading.Event,
        finish: Callable[[Preparation], None],
    ) -> None:
        self._app = app
        self._networks: Mapping[str, Network] = app.extensions["networks"]
        self._owner = owner
        self._stopping = stopping
        self._finish = finish
        self._threads = threads
        self._limits: dict[int, tuple[float, Limits]] = {}
        self._accounts = ConcurrencyLimiter(PREPARATIONS, OF_AN_ACCOUNT)
        self._servers = ConcurrencyLimiter(PREPARATIONS, OF_A_SERVER)
        self._people = ConcurrencyLimiter(PREPARATIONS, OF_A_PERSON)

    def is_needed(self, claim: Claim) -> bool:
        """True when this claim needs preparation before it can be sent."""
        return self._asks(claim) or bool(claim.pictures)

    def _asks(self, claim: Claim) -> bool:
        """True when its text needs a look-up at the network; a resend reuses its stored body."""
        if claim.body is not None:
            return False
        network, options = self._network_of(claim), _options_of(claim)
        return network.needs_preparation(claim.text, bool(claim.pictures), options)

    def _network_of(self, claim: Claim) -> Network:
        return self._networks[claim.destination.network]

    def begin(self, claim: Claim, access: Access) -> bool:
        """Prepare it on another thread; False when there is no room now."""
        taken: list[tuple[ConcurrencyLimiter, Hashable]] = []
        for limiter, party in self._places_of(claim):
            if not limiter.take(party):
                for earlier, its_party in taken:
                    earlier.leave(its_party)
                return False
            taken.append((limiter, party))
        self._threads.begin(self._run, claim, access)
        return True

    def _places_of(self, claim: Claim) -> tuple[tuple[ConcurrencyLimiter, Hashable], ...]:
        return (
            (self._people, claim.user_id),
            (self._accounts, claim.account_id),
            (self._servers, claim.destination),
        )

    def _run(self, claim: Claim, access: Access) -> None:
        result: Materials | SendResult | None
        try:
            with self._app.app_context():
                result = self._prepare(claim, access)
        except Exception as error:
            log.exception(
                "the preparation of job %s failed", claim.job_id, extra={"job_id": claim.job_id}
            )
            outcome = Outcome(OutcomeKind.NOT_SENT, "not_prepared", type(error).__name__)
            result = self._unprepared(claim, access, outcome)
        for limiter, party in self._places_of(claim):
            limiter.leave(party)
        self._finish(Preparation(claim, result))

    def _prepare(self, claim: Claim, access: Access) -> Materials | SendResult | None:
        try:
            return self._materials(claim, access.credentials)
        except _Lost:
            return None
        except LookUpFailed as failure:
            outcome = _unlearnt(failure)
        except LookUpRefused as failure:
            outcome = Outcome(OutcomeKind.NOT_SENT, "unreachable", str(failure))
        except TokenRefused as refusal:
            outcome = Outcome(OutcomeKind.AUTH, "token_refused", str(refusal))
        except (UploadRefused, QuoteRefused) as refusal:
            outcome = Outcome(OutcomeKind.REJECTED, refusal.code, refusal.detail)
        return self._unprepared(claim, access, outcome)

    def _unprepared(self, claim: Claim, access: Access, outcome: Outcome) -> SendResult:
        network = claim.destination.network
        return SendResult(claim, network, access.version, outcome, was_prepared=False)

    def _materials(self, claim: Claim, credentials: Credentials) -> Materials:
        prepared: Mapping[str, Any] = {}
        if self._asks(claim):
            self._renew(claim)
            network = self._network_of(claim)
            has_pictures = bool(claim.pictures)
            prepared = network.prepare(credentials, claim.text, has_pictures, _options_of(claim))
        known = _uploads_of(claim)
        for picture_id in claim.pictures:
            if picture_id not in known:
                known[picture_id] = self._upload(claim, picture_id, credentials)
        return Materials(tuple(known[picture_id] for picture_id in claim.pictures), prepared)

    def _upload(self, claim: Claim, picture_id: str, credentials: Credentials) -> Mapping[str, Any]:
        limits = self._limits_of(claim, credentials)
        self._renew(claim)
        picture = pictures.load_fitted(picture_id, limits)
        self._renew(claim)
        began = http.boottime()
        reference = self._network_of(claim).upload(credentials, picture)
        retry_transient(lambda: _keep(claim, picture_id, reference, began))
        return reference

    def _limits_of(self, claim: Claim, credentials: Credentials) -> Limits:
        now = time.monotonic()
        asked_at, limits = self._limits.get(claim.account_id, (0.0, None))
        if limits is None or asked_at < now - LIMITS_KEPT_FOR:
            self._renew(claim)
            limits = self._network_of(claim).limits(credentials)
            self._limits[claim.account_id] = (now, limits)
        return limits

    def _renew(self, claim: Claim) -> None:
        """Before each call: renew the lease, so that the claim lasts longer than the call."""
        if self._stopping.is_set() or not renew_lease(claim, self._owner):
            raise _Lost


def _options_of(claim: Claim) -> Mapping[str, Any] | None:
    """Return the options of a first part; later parts have none that the network is asked about."""
    return claim.options if claim.part == 0 else None


def _unlearnt(failure: LookUpFailed) -> Outcome:
    if failure.retry_after is not None:
        return Outcome(
            OutcomeKind.LATER, "rate_limited", str(failure), retry_after=failure.retry_after
        )
    return Outcome(OutcomeKind.NOT_SENT, "unreachable", str(failure))


def _uploads_of(claim: Claim) -> dict[str, Mapping[str, Any]]:
    """Return the network's ids of uploaded pictures; those of a resend never expire."""
    if not claim.pictures:
        return {}
    statement = db.select(Upload.picture_id, Upload.reference).where(
        Upload.delivery_id == claim.job_id, Upload.picture_id.in_(claim.pictures)
    )
    if claim.body is None:
        statement = statement.where(Upload.uploaded_at > from_now(-KEPT_FOR))
    rows = db.session.execute(statement).all()
    db.session.commit()
    return {row.picture_id: row.reference for row in rows}


def _keep(claim: Claim, picture_id: str, reference: Mapping[str, Any], began: float) -> None:
    """Store the network's id of a picture, unless another worker uploads it now.

    :param began: when the upload began, in seconds on http.boottime().
    """
    mine = (Delivery.id == claim.job_id, Delivery.fence == claim.fence)
    if db.session.scalar(db.select(Delivery.id).where(*mine).with_for_update()):
        kept = Upload(
            delivery_id=claim.job_id,
            picture_id=picture_id,
            reference=dict(reference),
            uploaded_at=from_now(began - http.boottime()),
        )
        db.session.merge(kept)
    db.session.commit()
