"""A person with twenty tweets of every kind, as the start page lists them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from app.accounts import sessions
from app.accounts.audit import Visit
from app.db import db, utcnow
from app.models import Account, Delivery, Picture, PictureState, Tweet, User
from app.states import State

ACCOUNTS = {"x": "ana", "mastodon": "ana@mastodon.example", "bluesky": "ana.test"}
OVER = {State.PUBLISHED, State.FAILED}
LISTED: Sequence[Sequence[State]] = [
    *[[State.SCHEDULED]] * 8,
    *[[State.PUBLISHED]] * 5,
    [State.FAILED],
    [State.HELD],
    [State.REVIEW],
    [State.CANCELLED],
    [State.SCHEDULED] * 3,
    [State.PUBLISHED, State.FAILED, State.PUBLISHED],
    [State.SCHEDULED, State.SCHEDULED],
]
"""The states of each tweet's jobs, the oldest tweet first. The newest is a thread, and the one
before it has pictures."""


def fill() -> tuple[int, str]:
    """Store them; return the user's id, and the key of a session in which they are signed in."""
    user = User(timezone="Europe/Berlin", locale="en", late_tolerance=3600)
    db.session.add(user)
    db.session.flush()
    accounts = [_account(user, network, handle) for network, handle in ACCOUNTS.items()]
    db.session.add_all(accounts)
    db.session.flush()
    for number, states in enumerate(LISTED, start=1):
        is_thread, has_pictures = number == len(LISTED), number == len(LISTED) - 1
        _tweet(user, accounts, number, states, is_thread, has_pictures)
    db.session.commit()
    visit = Visit("127.0.0.1", "Firefox on Linux")
    key = sessions.open_session(user.id, accounts[0], visit, browser_key="known", is_known=True)
    return user.id, key


def _account(user: User, network: str, handle: str) -> Account:
    server = handle.rpartition("@")[2] if network == "mastodon" else ""
    return Account(
        user_id=user.id,
        network=network,
        server=server,
        host=server,
        remote_id=str(uuid.uuid4()),
        handle=handle,
        signs_in=True,
        person_id=handle,
        credentials={"access_token": "made up"},
    )


def _tweet(
    user: User,
    accounts: Sequence[Account],
    number: int,
    states: Sequence[State],
    is_thread: bool,
    has_pictures: bool,
) -> None:
    words = f"Tweet {number} of many: doors open at nine, and there is coffee. See you there!"
    pictures = [_picture(user) for _ in range(2)] if has_pictures else []
    further = ["The second part says more.", "The third part ends it."] if is_thread else []
    parts = [{"text": words, "pictures": pictures}]
    parts += [{"text": part, "pictures": []} for part in further]
    due_at = utcnow() + timedelta(hours=number if State.SCHEDULED in states else -number)
    tweet = Tweet(
        user_id=user.id,
        text=words,
        parts=parts if is_thread or has_pictures else [],
        due_at=due_at,
    )
    tweet.deliveries = [
        _delivery(account, state, tweet) for account, state in zip(accounts, states, strict=False)
    ]
    db.session.add(tweet)
    db.session.flush()


def _delivery(account: Account, state: State, tweet: Tweet) -> Delivery:
    is_out, waits = state == State.PUBLISHED, state == State.SCHEDULED
    return Delivery(
        account=account,
        state=state,
        due_at=tweet.due_at,
        not_before=tweet.due_at,
        next_at=tweet.due_at if waits else None,
        attempts=0 if waits or state == State.CANCELLED else 1,
        accepted_at=tweet.due_at + timedelta(milliseconds=300) if is_out else None,
        finished_at=tweet.due_at if state in OVER else None,
        remote_id=str(uuid.uuid4()) if is_out else None,
        remote_url="https://x.com/ana/status/1234567890123456789" if is_out else None,
        error_code={State.FAILED: "rejected", State.REVIEW: "never_seen"}.get(state),
        hold_reason="late" if state == State.HELD else None,
    )


def _picture(user: User) -> str:
    picture = Picture(
        user_id=user.id,
        state=PictureState.READY,
        mime="image/jpeg",
        width=1200,
        height=800,
        alt="A door with a sign on it",
        claimed=True,
    )
    db.session.add(picture)
    db.session.flush()
    return picture.id


def accounts() -> Sequence[Account]:
    """Return all accounts there are."""
    return db.session.scalars(db.select(Account).order_by(Account.id)).all()
