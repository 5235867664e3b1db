"""Tweet Later as a contender."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg
from cryptography.fernet import Fernet

import config
from app import create_app
from app.accounts import connections
from app.db import db
from app.models import User
from app.networks.base import Profile
from benchmarks.contender import Contender
from benchmarks.servers import ROOT, Machine, clean_environ, line_of_procfile

TOKEN_KEY = Fernet.generate_key().decode()
UNLIMITED = "1000000 per second"


class TweetLater(Contender):
    """The product, set up as in production."""

    name = "Tweet Later"
    web_app = "app:create_app()"
    jobs_table = "deliveries"
    done_query = "SELECT count(*) FROM deliveries WHERE state = 'published'"

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.worker_command = line_of_procfile("worker")
        self.settings: dict[str, str] = {}
        """Further settings that one measure needs."""

    @property
    def environ(self) -> dict[str, str]:
        """As in production, with rate limits that count and never refuse."""
        limits = dict.fromkeys(
            ("RATE_LIMIT_WRITES", "RATE_LIMIT_READS", "RATE_LIMIT_SIGN_IN"), UNLIMITED
        )
        production = {"APP_ENV": "production", "APP_URL": f"http://127.0.0.1:{self._port}"}
        own = {**production, **self.settings, "TOKEN_KEYS": TOKEN_KEY}
        return {**super().environ, **limits, **own}

    @contextmanager
    def app_context(self) -> Iterator[None]:
        """Be the app, in this process."""
        app = create_app(config.load(self.environ))
        with app.app_context():
            yield
            db.session.remove()
            db.engine.dispose()

    def make_tables(self) -> None:
        """Run the migrations, as the release process does."""
        subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "flask", "--app", "app", "db", "upgrade"],
            cwd=ROOT,
            env={**clean_environ(), **self.environ},
            check=True,
            capture_output=True,
        )

    def seconds_to_store(self, count: int) -> float:
        """A row is all there is to store."""
        return 6 + count / 10_000

    def store(self, count: int, accounts: int, due_at: datetime) -> None:
        """Write one tweet of each account through the app and copy these rows inside SQL."""
        with self.app_context():
            for number in range(accounts):
                profile = Profile(f"p{number}", f"p{number}")
                done = connections.by_token("x", profile, {"access_token": f"p{number}"})
                db.session.get_one(User, done.user_id).tweet_later(f"tweet of p{number}", at=due_at)
        with psycopg.connect(self.machine.postgres.url(self.database)) as connection:
            # Checking a million foreign keys that hold anyway takes longer than the rows.
            connection.execute("SET session_replication_role = replica")
            _copy_rows(connection, count // accounts - 1)
            connection.commit()
            connection.autocommit = True
            connection.execute("VACUUM ANALYZE")


def _copy_rows(connection: psycopg.Connection[tuple[object, ...]], times: int) -> None:
    """Repeat every tweet and its delivery with texts and ids of their own."""
    tweet = {"text": "made.text || ' copy ' || copy.number"}
    delivery = {"id": "gen_random_uuid()::text", "tweet_id": "made.id"}
    tweet_columns = [c for c in _columns(connection, "tweets") if c not in {"id", "submit_id"}]
    delivery_columns = _columns(connection, "deliveries")
    query = f"""
        WITH made AS (
            INSERT INTO tweets ({", ".join(tweet_columns)})
            SELECT {", ".join(tweet.get(c, f"made.{c}") for c in tweet_columns)}
            FROM generate_series(1, {times}) AS copy(number) CROSS JOIN tweets AS made
            ORDER BY copy.number RETURNING id, user_id
        )
        INSERT INTO deliveries ({", ".join(delivery_columns)})
        SELECT {", ".join(delivery.get(c, f"model.{c}") for c in delivery_columns)}
        FROM made JOIN tweets ON tweets.user_id = made.user_id
        JOIN deliveries AS model ON model.tweet_id = tweets.id
        ORDER BY made.id"""
    connection.execute(query.encode())


def _columns(connection: psycopg.Connection[tuple[object, ...]], table: str) -> list[str]:
    query = """SELECT column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position"""
    return [str(row[0]) for row in connection.execute(query, (table,))]
