"""The start page with twenty tweets on it: what it weighs, and what it asks the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from app.db import db
from app.models import Tweet
from tests.support import full_list
from tests.support.world import World

MAX_PAGE_BYTES = 30_000
"""Before compression. 10,000 of them are the composer and the frame."""
MAX_CARD_BYTES = 900
"""Of a tweet with one job and without pictures."""
QUERIES = 10
"""The session with its user, accounts, tweets, deliveries, pictures, numbers of the tabs, the
heartbeat, pauses, notices, presets."""
CARD = re.compile(r'<article class="tweet.*?</article>', re.DOTALL)


@pytest.fixture
def owner(small_world: World) -> FlaskClient:
    """Whose twenty tweets they are, signed in."""
    with small_world.rows():
        user_id, key = full_list.fill()
    client = small_world.app.test_client()
    with client.session_transaction() as session:
        session["key"], session["_user_id"] = key, str(user_id)
    return client


@contextmanager
def counted(world: World) -> Iterator[list[str]]:
    """Collect the statements that are executed."""
    asked: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        asked.append(statement)

    with world.rows():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", listen)
    yield asked
    event.remove(engine, "before_cursor_execute", listen)


def test_twenty_cards_are_a_light_page(owner: FlaskClient) -> None:
    """Pages are sent as they are, so each byte of a card counts twenty times."""
    page = owner.get("/")
    cards = CARD.findall(page.text)
    assert len(cards) == 20
    assert len(page.data) <= MAX_PAGE_BYTES
    single = [card for card in cards if card.count("data-job=") == 1 and "<img" not in card]
    usual = [card for card in single if 'class="job-problem"' not in card]
    assert len(usual) >= 13
    assert max(map(len, usual)) <= MAX_CARD_BYTES
    assert "abogado" not in page.text  # of the list of top-level domains
    assert page.text.count('name="csrf_token"') == 3  # signing out, composer, list


def test_a_page_asks_as_often_for_twenty_tweets_as_for_one(
    small_world: World, owner: FlaskClient
) -> None:
    """One query for each kind of row, however many tweets and accounts there are."""
    with counted(small_world) as asked:
        assert owner.get("/").status_code == 200
    assert len(asked) == QUERIES, asked
    with small_world.rows():
        oldest = db.session.scalars(db.select(Tweet.id).order_by(Tweet.id).offset(1).limit(1)).one()
    with counted(small_world) as asked:
        assert len(CARD.findall(owner.get(f"/?before={oldest}").text)) == 1
    # No picture is on it; whose accounts are chosen is to be read of the newest tweet.
    assert len(asked) == QUERIES + 1, asked


def test_a_former_account_is_on_the_cards_alone(small_world: World, owner: FlaskClient) -> None:
    """What went out through it is still shown; nothing can be written for it."""
    with small_world.rows():
        (account,) = [one for one in full_list.accounts() if one.network == "mastodon"]
        account.connected = False
        db.session.commit()
    with counted(small_world) as asked:
        page = owner.get("/").text
    assert len(asked) == QUERIES
    cards = "".join(CARD.findall(page))
    assert f"@{full_list.ACCOUNTS['mastodon']}" in cards
    assert full_list.ACCOUNTS["mastodon"] not in page.replace(cards, "").split("<article")[0]
