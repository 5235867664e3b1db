"""Threads and pictures in a test: rows as the pages store them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app import broker
from app.db import db, utcnow
from app.models import Account, Delivery, Picture, Tweet, User
from app.pictures.lifecycle import accept
from tests.support.photos import colourful, file_of
from tests.support.world import World


def write_thread(
    world: World,
    user_id: int,
    texts: Sequence[str],
    pictures: Mapping[int, Sequence[str]] | None = None,
    network: str = "x",
) -> str:
    """Store a thread that is due now and notify; return its job_id.

    :param pictures: the ids of each part's pictures, by the part's number.
    """
    given = pictures or {}
    parts = [
        {"text": text, "pictures": list(given.get(number, ()))} for number, text in enumerate(texts)
    ]
    with world.rows():
        now = utcnow()
        account = db.session.scalars(
            db.select(Account).where(Account.user_id == user_id, Account.network == network)
        ).first()
        tweet = Tweet(user_id=user_id, text=texts[0], parts=parts, due_at=now)
        tweet.deliveries = [Delivery(account=account, due_at=now, not_before=now, next_at=now)]
        db.session.add(tweet)
        db.session.commit()
        job_id = tweet.deliveries[0].id
        broker.notify_jobs([job_id])
        return job_id


def chains(tweets: Sequence[Any]) -> list[list[str]]:
    """Return the texts of each thread at the network, following who answers whom."""
    answers: dict[str | None, list[Any]] = {}
    for tweet in tweets:
        answers.setdefault(tweet["in_reply_to"], []).append(tweet)
    found = []
    for first in answers.get(None, []):
        chain, last = [first["text"]], first
        while following := answers.get(last["id"]):
            assert len(following) == 1, f"{last['text']!r} was answered twice"
            last = following[0]
            chain.append(last["text"])
        found.append(chain)
    return found


def take_picture(world: World, user_id: int, alt: str, data: bytes | None = None) -> str:
    """Let a user give a picture, a photo if no other; return its id."""
    with world.rows():
        user = db.session.get_one(User, user_id)
        picture = accept(user, data or file_of(colourful()), "photo.jpg")
        db.session.get_one(Picture, picture.id).alt = alt
        db.session.commit()
        return picture.id


def write(world: World, user_id: int, network: str, alts: list[str], text: str = "Look") -> str:
    """Write a tweet with a picture for each alternative text."""
    given = [take_picture(world, user_id, alt) for alt in alts]
    return write_thread(world, user_id, [text], {0: given}, network)
