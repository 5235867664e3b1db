"""Pages that were connected before anybody asked who the person is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from app.accounts import identities
from app.db import db
from app.models import Account
from app.networks.base import Connection
from tests.support.world import World

CALLBACK = "http://127.0.0.1:8000/login/facebook/callback"


def before_it_was_asked(world: World, user_id: int) -> None:
    """Let a user's Pages be as an older version kept them."""
    with world.rows():
        mine = db.session.scalars(db.select(Account).where(Account.user_id == user_id))
        for account in mine:
            if account.network == "facebook":
                account.person_id, account.signs_in = "", False
        db.session.commit()


def consent(world: World, handle: str) -> list[Connection]:
    """Go through Facebook's dialog."""
    with world.rows():
        site = world.app.extensions["networks"]["facebook"]
    begun = site.begin({}, CALLBACK)
    form = {"decision": "approve", "handle": handle}
    answer = requests.post(begun.url, data=form, allow_redirects=False, timeout=10)
    back = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    return list(site.finish(begun.memory, back, CALLBACK))


def learn(world: World, connections: Sequence[Connection]) -> dict[str, Any]:
    """Let a sign-in recognise whom it can; return who is whose now."""
    with world.rows():
        identities.learn(world.app.extensions["networks"]["facebook"], connections)
        accounts = db.session.scalars(db.select(Account).where(Account.network == "facebook"))
        return {each.handle: (each.person_id, each.signs_in) for each in accounts}


def test_a_person_comes_back_to_their_own_pages(small_world: World) -> None:
    """The stored tokens say who connected them: all are this person's, so it is them."""
    world = small_world
    ana = world.user("ana", "facebook")
    world.connect(ana, "facebook", "ana.shop")
    before_it_was_asked(world, ana)
    connections = consent(world, "ana")
    person = connections[0].profile.person_id
    assert learn(world, connections) == {"ana": (person, True), "ana.shop": (person, False)}


def test_a_shared_page_lets_nobody_in(small_world: World) -> None:
    """Another person who publishes on the same Page stays another person."""
    world = small_world
    world.sandbox.on("facebook").settings(shared={"ana": ["ben"]})
    before_it_was_asked(world, world.user("ana", "facebook"))
    connections = consent(world, "ben")
    assert "ana" in {connection.profile.handle for connection in connections}
    assert learn(world, connections) == {"ana": ("", False)}


def test_nobody_is_recognised_where_two_were_let_in(small_world: World) -> None:
    """An older version let the second person in, and took their tokens: whose is it now?"""
    world = small_world
    ana = world.user("ana", "facebook")
    world.connect(ana, "facebook", "ben")
    before_it_was_asked(world, ana)
    for handle in ("ana", "ben"):
        assert set(learn(world, consent(world, handle)).values()) == {("", False)}


def test_whoever_has_another_way_in_takes_that(small_world: World) -> None:
    """Who connected the Page is known from now on, and opens no door until they say so."""
    world = small_world
    ana = world.user("ana", "x")
    world.connect(ana, "facebook", "ana")
    before_it_was_asked(world, ana)
    with world.rows():
        by_x = db.session.scalars(db.select(Account).where(Account.network == "x")).one()
        by_x.person_id, by_x.signs_in = by_x.remote_id, True
        db.session.commit()
    connections = consent(world, "ana")
    person = connections[0].profile.person_id
    assert learn(world, connections) == {"ana": (person, False)}


def test_facebook_does_not_say(small_world: World) -> None:
    """A token that it has forgotten, or silence: nobody is recognised, and nothing fails."""
    world = small_world
    ana = world.user("ana", "facebook")
    before_it_was_asked(world, ana)
    connections = consent(world, "ana")
    with world.rows():
        account = db.session.scalars(db.select(Account).where(Account.user_id == ana)).one()
        account.credentials = {**account.credentials, "access_token": "forgotten"}
        db.session.commit()
    assert learn(world, connections) == {"ana": ("", False)}
