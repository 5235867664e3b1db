"""Accounts on very many Mastodon servers, with one tweet each, and the process that plays these."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from app.accounts import connections
from app.db import db
from app.models import Account, Delivery, Tweet, User
from app.networks import Connection, Profile, host_in
from app.networks.mastodon import Mastodon
from benchmarks.mastodon_server import address_of
from benchmarks.product import TweetLater
from benchmarks.progress import refuse_if_late
from benchmarks.servers import CountingServer

NOT_HERE = (
    "Only Tweet Later knows more than one server, and only Linux answers on all of 127.0.0.0/8."
)
PATIENCE = 90.0
"""Seconds without any progress after which what is missing counts as lost: a claim that a publisher
has let go of after an error is taken again when its lease ends, after 36."""
IDS = frozenset({"id", "user_id", "account_id", "tweet_id"})
ERROR = re.compile(r"^\S+ \S+ (?:ERROR|CRITICAL) |: (?:ERROR|CRITICAL)/", re.MULTILINE)
"""A line of the app's own log, or of Celery's."""
NO_CONNECTION = re.compile(r"QueuePool limit|failed: TimeoutError")
"""What a worker's log says when all database connections of its pool are taken for too long."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many accounts, spread over so many servers."""

    accounts: int
    servers: int
    special: int = 0
    """How many of the servers, the first ones, share every tenth account."""

    def server_of(self, number: int) -> int:
        """Return which server an account is on; both count from 0."""
        if not self.special:
            return number % self.servers
        if number % 10 == 0:
            return number // 10 % self.special
        return self.special + (number - number // 10 - 1) % (self.servers - self.special)

    def texts(self, of_special: bool) -> set[str]:
        """Return what is written for the accounts of the special servers, or of the others."""
        return {
            text_of(number)
            for number in range(self.accounts)
            if (self.server_of(number) < self.special) == of_special
        }


def text_of(number: int) -> str:
    """Return the tweet of an account."""
    return f"tweet of a{number}"


@contextmanager
def played(product: TweetLater) -> Iterator[CountingServer]:
    """Run the process that plays all servers, and let the product call them on loopback."""
    servers = CountingServer(product.machine, "mastodon_server")
    product.settings["ALLOW_PRIVATE_SERVERS"] = "1"
    try:
        yield servers
    finally:
        del product.settings["ALLOW_PRIVATE_SERVERS"]
        product.machine.stop(servers.process)


def store(product: TweetLater, crowd: Crowd, port: int) -> float:
    """Store the accounts and their tweets; return the epoch seconds at which all are due.

    Nobody may write a tweet in this database afterwards.
    """
    due = float(round(time.time() + 8 + crowd.accounts / 500))
    with product.app_context():
        fill(crowd, port, due)
    with psycopg.connect(
        product.machine.postgres.url(product.database), autocommit=True
    ) as connection:
        connection.execute("VACUUM ANALYZE")
    refuse_if_late(due, crowd.accounts)
    return due


def fill(crowd: Crowd, port: int, due: float) -> None:
    """Store the accounts and a tweet of each in an empty database, inside an app context.

    The first account and its tweet are made through the app, and their rows are the models of all
    others. Nobody may write a tweet in this database afterwards: no sequence knows of their ids.

    :param due: in epoch seconds.
    """
    profile, credentials = _identity(crowd, 0, port)
    first = Connection(profile, credentials, limits=Mastodon.usual_limits)
    done = connections.sign_in("mastodon", [first])
    user = db.session.get_one(User, done.user_id)
    user.tweet_later(text_of(0), at=datetime.fromtimestamp(due, UTC))
    _copy(User.__table__, crowd, lambda _: {})
    _copy(Account.__table__, crowd, lambda number: _account(crowd, number, port))
    _copy(Tweet.__table__, crowd, lambda number: {"text": text_of(number)})
    _copy(Delivery.__table__, crowd, lambda _: {})
    db.session.commit()


def _copy(table: Any, crowd: Crowd, own: Callable[[int], Mapping[str, Any]]) -> None:
    """Repeat the one row of a table for every other account, with ids that count on."""
    model = dict(db.session.execute(db.select(table)).mappings().one())
    rows = []
    for number in range(1, crowd.accounts):
        ids = {
            name: model[name] + number if isinstance(model[name], int) else str(uuid.uuid4())
            for name in IDS & model.keys()
        }
        rows.append({**model, **ids, **own(number)})
    db.session.execute(db.insert(table), rows)


def _account(crowd: Crowd, number: int, port: int) -> Mapping[str, Any]:
    profile, credentials = _identity(crowd, number, port)
    return {
        "server": profile.server,
        "host": host_in(credentials),
        "remote_id": profile.remote_id,
        "person_id": profile.remote_id,
        "handle": profile.handle,
        "credentials": credentials,
    }


def _identity(crowd: Crowd, number: int, port: int) -> tuple[Profile, dict[str, str]]:
    name, server = f"a{number}", f"{address_of(crowd.server_of(number))}:{port}"
    credentials = {
        "access_token": name,
        "server_url": f"http://{server}",
        "software": "mastodon",
    }
    return Profile(name, f"{name}@{server}", server=server), credentials


class WorkerLog:
    """What the worker writes into its log from now on."""

    def __init__(self, product: TweetLater) -> None:
        self._path = product.log("worker")
        self._begin = self._path.stat().st_size if self._path.exists() else 0

    def figures(self) -> dict[str, float]:
        """Return how many errors it tells of, and how many times no connection was free."""
        with self._path.open("rb") as file:
            file.seek(self._begin)
            words = file.read().decode("utf-8", "replace")
        return {
            "errors logged": len(ERROR.findall(words)),
            "pool timeouts": len(NO_CONNECTION.findall(words)),
        }
