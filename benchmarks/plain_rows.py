"""Fills the plain app: ``python -m benchmarks.plain_rows COUNT ACCOUNTS DUE_EPOCH_SECONDS``.

Rows in bulk, then the very messages that its page sends, many in one round trip.
"""

from __future__ import annotations

import sys
import uuid
from datetime import UTC, datetime
from typing import Any

from benchmarks.naive.models import Tweet, User, db
from benchmarks.naive.tasks import celery, flask_app, publish

CHUNK = 1_000


def main(count: int, accounts: int, due_at: datetime) -> None:
    """Make the tables, and then the rows and the messages."""
    with flask_app.app_context():
        db.create_all()
        users = [
            User(remote_id=f"p{number}", handle=f"p{number}", access_token=f"p{number}")
            for number in range(accounts)
        ]
        db.session.add_all(users)
        db.session.flush()
        rows = [
            {
                "user_id": users[number % accounts].id,
                "job_id": str(uuid.uuid4()),
                "text": f"tweet of p{number % accounts} copy {number}",
                "due_at": due_at,
                "state": "pending",
            }
            for number in range(count)
        ]
        ids = _insert(rows)
        db.session.commit()
        _send(ids, rows, due_at)


def _insert(rows: list[dict[str, Any]]) -> list[int]:
    statement = db.insert(Tweet).returning(Tweet.id, sort_by_parameter_order=True)
    ids: list[int] = []
    for start in range(0, len(rows), CHUNK):
        ids += db.session.scalars(statement, rows[start : start + CHUNK])
    return ids


def _send(ids: list[int], rows: list[dict[str, Any]], due_at: datetime) -> None:
    with celery.producer_pool.acquire(block=True) as producer, producer.batch(max_size=500):
        for tweet_id, row in zip(ids, rows, strict=True):
            publish.apply_async(
                (tweet_id,), eta=due_at, task_id=row["job_id"], producer=producer, retry=False
            )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), datetime.fromtimestamp(float(sys.argv[3]), UTC))
