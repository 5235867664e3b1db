"""The list of one's own tweets: tabs, search, pages, and numbers that nobody counts at a view."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import event, update

from app.db import db
from app.models import Account, Delivery, Tweet, User, tweet_counts
from app.states import State
from tests.support import full_list
from tests.support.reader import Reader
from tests.support.world import World

OF_TAB = {
    "scheduled": {State.SCHEDULED},
    "sent": {State.PUBLISHED},
    "failed": {State.FAILED},
    "waiting": {State.HELD, State.REVIEW},
}
NUMBER = re.compile(r"Tweet (\d+) of many")
SHOWN = re.compile(r'<article class="tweet[^>]* data-tweet="(\d+)"')


@pytest.fixture
def ana(world: World) -> Reader:
    """Ana, with twenty tweets of every kind."""
    with world.rows():
        return Reader(world, *full_list.fill())


def numbers_of(found: Any) -> list[int]:
    """Return which tweets of the full list an answer has."""
    return [int(NUMBER.match(tweet["text"])[1]) for tweet in found["tweets"]]  # type: ignore[index]


def expected_in(tab: str) -> list[int]:
    """Return the numbers of the tweets that have a job in one of a tab's states, newest first."""
    numbered = enumerate(full_list.LISTED, start=1)
    return [number for number, jobs in numbered if tab == "all" or OF_TAB[tab] & set(jobs)][::-1]


def test_each_tab_has_its_tweets(ana: Reader) -> None:
    """A tweet with several jobs is in several; what is cancelled is in the first tab alone."""
    for tab in ("all", *OF_TAB):
        found = ana.json(f"/tweets?tab={tab}")
        assert numbers_of(found) == expected_in(tab), tab
        assert found["next"] is None
        page = ana.page(f"/tweets?tab={tab}")
        assert [int(one) for one in SHOWN.findall(page)] == [one["id"] for one in found["tweets"]]
    (both,) = set(expected_in("sent")) & set(expected_in("failed"))
    assert len(full_list.LISTED[both - 1]) == 3
    assert ana.client.get("/tweets?tab=everything").status_code == 422


def test_a_tweet_has_all_that_its_own_address_says(ana: Reader) -> None:
    """Programs need not ask for each one."""
    found = ana.json("/tweets?tab=failed")["tweets"]
    for tweet in found:
        alone = ana.json(f"/tweets/{tweet['id']}")
        jobs = tweet.pop("jobs")
        assert tweet == alone["tweet"]
        assert jobs == alone["jobs"]


def test_states_on_the_way_are_scheduled_still(world: World, ana: Reader) -> None:
    """No tweet that is not over falls out of all tabs."""
    with world.rows():
        rows = db.session.scalars(db.select(Delivery).where(Delivery.state == State.SCHEDULED))
        for row, state in zip(rows, ("claimed", "sending", "unconfirmed"), strict=False):
            db.session.execute(
                update(Delivery).where(Delivery.id == row.id).values({"state": state})
            )
        db.session.commit()
    assert numbers_of(ana.json("/tweets?tab=scheduled")) == expected_in("scheduled")


def test_the_numbers_are_read_and_not_counted(world: World, ana: Reader) -> None:
    """Nobody's before a worker has counted; then they say when that was. A view writes nothing."""
    asked: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        asked.append(statement)

    with world.rows():
        event.listen(db.engine, "before_cursor_execute", listen)
    found = ana.json("/tweets")
    assert found["counts"] == dict.fromkeys(("all", *OF_TAB))
    assert found["counts_as_of"] is None
    assert "<span>20</span>" not in ana.page("/tweets")
    assert not [said for said in asked if "count(" in said or not said.startswith("SELECT")]
    with world.rows():
        event.remove(db.engine, "before_cursor_execute", listen)
        tweet_counts.recount_due()
    found = ana.json("/tweets?tab=sent&q=nothing")
    assert found["counts"] == {tab: len(expected_in(tab)) for tab in ("all", *OF_TAB)}
    assert found["counts_as_of"].endswith("Z")
    for path in ("/", "/tweets", "/tweets?tab=failed"):
        assert "Scheduled <span>10</span>" in ana.page(path)


def rewrite(world: World, number: int, text: str, further: str = "", variant: str = "") -> None:
    """Give a tweet of the list other words."""
    with world.rows():
        tweet = db.session.scalars(
            db.select(Tweet).where(Tweet.text.startswith(f"Tweet {number} of"))
        ).one()
        tweet.text = f"Tweet {number} of many {text}"
        if further:
            parts = [{"text": tweet.text, "pictures": []}, {"text": further, "pictures": []}]
            tweet.parts = parts
        if variant:
            tweet.deliveries[0].parts = [{"text": variant, "pictures": []}]
        db.session.commit()


def test_search_finds_words_in_every_part(world: World, ana: Reader) -> None:
    """In upper and lower case, in English and Spanish letters, also what one account gets."""
    rewrite(world, 1, "Mañana: CAFÉ con Ángel")
    rewrite(world, 2, "plain", further="El PINGÜINO vuelve")
    rewrite(world, 3, "shared", variant="Only for Ñandúes")
    rewrite(world, 4, "100% sure_thing a/b")
    for words, numbers in {
        "MAÑANA": [1],
        "café CON á": [1],
        "pingüino": [2],
        "ñANDÚ": [3],
        "0% SURE_": [4],
        "a/b": [4],
        "%": [4],
        "_": [4],
        "the second part": [20],
        "  coffee  ": [*range(20, 4, -1)],
        "manana": [],
        "pictures": [],
        '"text"': [],
        "nothing of this": [],
    }.items():
        found = ana.client.get(
            "/tweets", query_string={"q": words}, headers={"Accept": "application/json"}
        )
        assert numbers_of(found.json) == numbers, words
    assert numbers_of(ana.json("/tweets?q=MANY&tab=failed")) == expected_in("failed")
    assert 'href="/tweets?q=all&amp;tab=failed"' in ana.page("/tweets?q=all")
    assert ana.client.get("/tweets?q=%00").status_code == 422
    assert ana.client.get(f"/tweets?q={'a' * 101}").status_code == 422


def test_search_by_account(world: World, ana: Reader) -> None:
    """In a tab it is about the state there; somebody else's account does not exist."""
    with world.rows():
        ids = {one.network: one.id for one in full_list.accounts()}
        other = User(timezone="UTC", locale="en", late_tolerance=3600)
        db.session.add(other)
        db.session.flush()
        theirs = Account(network="x", remote_id="9", handle="ben", user_id=other.id, credentials={})
        db.session.add(theirs)
        db.session.commit()
        foreign = theirs.id
    assert numbers_of(ana.json(f"/tweets?account={ids['bluesky']}")) == [19, 18]
    assert numbers_of(ana.json(f"/tweets?account={ids['mastodon']}&tab=failed")) == [19]
    assert numbers_of(ana.json(f"/tweets?account={ids['x']}&tab=failed")) == [14]
    assert len(ana.json("/tweets?account=")["tweets"]) == 20
    for missing in (foreign, 999):
        assert ana.client.get(f"/tweets?account={missing}").status_code == 404
    assert ana.client.get("/tweets?account=x").status_code == 422
    assert f'value="{ids["x"]}" selected' in ana.page(f"/tweets?account={ids['x']}")


def test_the_list_goes_on(world: World, ana: Reader) -> None:
    """Twenty cards and fifty rows at a time; the tab and the search stay."""
    with world.rows():
        account = full_list.accounts()[0]
        user = db.session.get_one(User, account.user_id)
        for number in range(21, 72):
            full_list._tweet(user, [account], number, [State.SCHEDULED], False, False)
        db.session.commit()
    found = ana.json("/tweets?tab=scheduled&q=coffee")
    assert len(found["tweets"]) == 50
    rest = ana.json(f"/tweets?tab=scheduled&q=coffee&before={found['next']}")
    assert (len(rest["tweets"]), rest["next"]) == (11, None)
    assert numbers_of(found) + numbers_of(rest) == [*range(71, 20, -1), *expected_in("scheduled")]
    page = ana.page("/tweets?tab=scheduled&q=coffee")
    shown = SHOWN.findall(page)
    assert len(shown) == 20
    older = f"/tweets?tab=scheduled&amp;q=coffee&amp;before={shown[-1]}"
    assert older in page
    assert len(SHOWN.findall(ana.page(older.replace("&amp;", "&")))) == 20
    assert ana.json("/tweets?before=-5")["tweets"] == []


def test_nobody_sees_anothers(world: World, ana: Reader) -> None:
    """Somebody new has nothing in any tab, whatever they search for."""
    with world.rows():
        user = User(timezone="UTC", locale="es", late_tolerance=3600)
        db.session.add(user)
        db.session.flush()
        account = Account(network="x", remote_id="9", handle="ben", user_id=user.id, signs_in=True)
        account.credentials = {}
        db.session.add(account)
        db.session.commit()
        key = full_list.sessions.open_session(
            user.id, account, full_list.Visit("127.0.0.1", "x"), browser_key="b", is_known=True
        )
        ben = Reader(world, user.id, key)
    for query in ("", "?q=coffee", "?tab=failed", "?tab=waiting&q=e"):
        assert ben.json(f"/tweets{query}")["tweets"] == []
    assert "Todavía no ha salido nada." in ben.page("/tweets?tab=sent")
    assert "<h1" in ana.page("/tweets")


def test_cards_show_pictures_small_and_late(ana: Reader) -> None:
    """With what they show in words; they are loaded when they come into view."""
    page = ana.page("/tweets")
    (first, _second) = re.findall(r"<img src=\"/pictures/[^>]*>", page)
    assert 'alt="A door with a sign on it"' in first
    assert 'loading="lazy"' in first
    assert "/thumb" in first
