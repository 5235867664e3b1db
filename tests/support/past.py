"""A past that was imported: rows as an import leaves them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from app.db import db, utcnow
from app.models import LearnedItem
from app.models.interest import InterestState

TOPICS = (
    *("python", "gardening", "music", "running", "cooking"),
    *("chess", "sailing", "poetry", "physics", "baking"),
)
THOUGHTS = ("small steps add up.", "write it down before you forget it.", "¡qué maravilla! 🌱")


def item(account_id: int, kind: str, text: str, days_ago: float = 1, **values: Any) -> LearnedItem:
    """Return one row, not stored yet."""
    at: datetime = utcnow() - timedelta(days=days_ago)
    remote_id = values.pop("remote_id", f"{kind}-{random.getrandbits(60)}")
    row = LearnedItem(account_id=account_id, kind=kind, remote_id=remote_id, text=text)
    row.created_at = row.sort_at = at
    for name, value in values.items():
        setattr(row, name, value)
    return row


def remember(account_id: int, posts: int, likes: int = 0, topics: Sequence[str] = TOPICS) -> None:
    """Store a past about some topics, the same each time."""
    db.session.commit()  # making it up may take longer than a transaction may wait
    chance, rows = random.Random(1), []
    for number in range(posts):
        topic = chance.choice(topics)
        text = f"Day {number} of {topic}: {chance.choice(THOUGHTS)} #{topic}"
        rows.append(item(account_id, "posts", text, number / 3, likes=chance.randrange(200)))
    for number in range(likes):
        text = f"Question {number} about {chance.choice(topics)}: {chance.choice(THOUGHTS)}"
        author = f"mira{number}"
        url = f"https://x.test/{author}/{number}"
        rows.append(item(account_id, "likes", text, number / 3, author=author, url=url))
    db.session.add_all(rows)
    db.session.commit()


def hurry(user_id: int) -> None:
    """Let a worker find somebody's interests at once, and commit."""
    mine = InterestState.user_id == user_id
    db.session.execute(update(InterestState).where(mine).values(stale_at=1))
    db.session.commit()
