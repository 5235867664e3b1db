"""Owners who change their tweets at the last moment, through the model or through the pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app import broker
from app.db import db, utcnow
from app.models import Tweet
from app.models.tweet import AlreadyBeingSent
from tests.support.visitor import Visitor
from tests.support.world import World


class Desk(Protocol):
    """Where an owner asks for a change; every verb says whether it was done."""

    def edit(self, tweet_id: int, text: str) -> bool:
        """Ask for another text."""

    def cancel(self, tweet_id: int) -> bool:
        """Ask for nothing to be sent."""

    def move(self, tweet_id: int, at: datetime | None) -> bool:
        """Ask for another time; None means now."""

    def retry(self, tweet_id: int) -> bool:
        """Ask for what failed to be sent again."""


@dataclass
class Shell:
    """Asks in this process, as the shell does."""

    world: World

    def edit(self, tweet_id: int, text: str) -> bool:
        """Ask for another text."""
        return self._ask(lambda: self._tweet(tweet_id).edit(text))

    def cancel(self, tweet_id: int) -> bool:
        """Ask for nothing to be sent."""
        return self._ask(lambda: self._tweet(tweet_id).cancel())

    def move(self, tweet_id: int, at: datetime | None) -> bool:
        """Ask for another time; None means now."""

        def wish() -> None:
            job_ids = self._tweet(tweet_id).reschedule(at or utcnow())
            if at is None:
                broker.notify_jobs(job_ids)

        return self._ask(wish)

    def retry(self, tweet_id: int) -> bool:
        """Ask for what failed to be sent again."""
        return self._ask(lambda: broker.notify_jobs(self._tweet(tweet_id).retry()))

    def _tweet(self, tweet_id: int) -> Tweet:
        return db.session.get_one(Tweet, tweet_id)

    def _ask(self, wish: Callable[[], object]) -> bool:
        with self.world.rows():
            try:
                wish()
            except AlreadyBeingSent:
                return False
            return True


class Pages:
    """Asks the web process, signed in as one person."""

    def __init__(self, site: str, handle: str) -> None:
        self._visitor = Visitor(site)
        self._visitor.sign_in(handle)
        token = self._visitor.token()
        self._headers = {"X-CSRFToken": token, "Accept": "application/json"}

    def edit(self, tweet_id: int, text: str) -> bool:
        """Ask for another text."""
        return self._ask("PATCH", f"{tweet_id}", text=text)

    def cancel(self, tweet_id: int) -> bool:
        """Ask for nothing to be sent."""
        return self._ask("POST", f"{tweet_id}/cancel")

    def move(self, tweet_id: int, at: datetime | None) -> bool:
        """Ask for another time; None means now."""
        return self._ask("POST", f"{tweet_id}/reschedule", when=at.isoformat() if at else "now")

    def retry(self, tweet_id: int) -> bool:
        """Ask for what failed to be sent again."""
        return self._ask("POST", f"{tweet_id}/retry")

    def _ask(self, verb: str, path: str, **body: Any) -> bool:
        url = f"{self._visitor.site}/tweets/{path}"
        answer = self._visitor.http.request(verb, url, json=body, headers=self._headers, timeout=30)
        assert answer.status_code in {200, 409}, answer.text
        return answer.status_code == 200
