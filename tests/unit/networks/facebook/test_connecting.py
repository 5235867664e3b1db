"""Connecting Facebook Pages, end to end: client and sandbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.networks import http
from app.networks.base import OutcomeKind, Part
from app.networks.errors import ConnectRefused, LookUpFailed
from app.networks.facebook.network import Facebook
from tests.support.creates import created
from tests.support.facebook import CALLBACK, FacebookSandbox, visit


def publishes(client: Facebook, credentials: Any) -> bool:
    """Return whether a post is accepted."""
    part = Part(text="hello", key="0" * 32, started_at=(now := datetime.now(UTC)), written_at=now)
    outcome = created(client, credentials, client.body(part, {}), http.boottime() + 60)
    return outcome.kind == OutcomeKind.OK


def connect(client: Facebook, **form: Any) -> Any:
    """Go through the whole sign-in."""
    consent = client.begin({}, CALLBACK)
    return client.finish(consent.memory, visit(consent.url, **form), CALLBACK)


def test_one_consent_connects_all_pages(facebook: FacebookSandbox, client: Facebook) -> None:
    """Two lists are read for three Pages; each has a token of its own that publishes on it."""
    connections = connect(client, handle="dora")
    handles = ["dora", "dora.shop", "dora.news"]
    assert [connection.profile.handle for connection in connections] == handles
    for connection in connections:
        page = replace(connection.profile, person_id="")
        assert client.who_am_i(connection.credentials) == page
        assert publishes(client, connection.credentials)
    assert [tweet["handle"] for tweet in facebook.state()["tweets"]] == handles
    assert len({connection.credentials["access_token"] for connection in connections}) == 3


def test_page_tokens_have_no_end(facebook: FacebookSandbox, client: Facebook) -> None:
    """They come from the long-lived token: after 61 days they still work."""
    credentials = connect(client, handle="ana")[0].credentials
    facebook.settings(clock_offset=61 * 86_400)
    assert not client.is_expired(credentials)
    assert not client.can_refresh(credentials)
    assert client.who_am_i(credentials).handle == "ana"


def test_refusing(client: Facebook) -> None:
    """Whoever says no is believed."""
    with pytest.raises(ConnectRefused) as refused:
        connect(client, decision="refuse")
    assert refused.value.code == "denied"


def test_an_unticked_permission_is_named(client: Facebook) -> None:
    """Without permission to publish there is nothing to connect."""
    ticked = ["pages_show_list", "pages_read_engagement"]
    with pytest.raises(ConnectRefused) as refused:
        connect(client, handle="ana", ticked=1, permission=ticked, page="main")
    assert (refused.value.code, refused.value.detail) == ("scope_missing", "pages_manage_posts")


def test_nobody_elses_pages(facebook: FacebookSandbox, client: Facebook) -> None:
    """Pages that were not shown, or on which the person only reads, are left out."""
    every = ["pages_show_list", "pages_read_engagement", "pages_manage_posts"]
    (only,) = connect(client, handle="ana", ticked=1, permission=every, page="shop")
    assert only.profile.handle == "ana.shop"
    facebook.settings(viewer_pages=2)
    assert [found.profile.handle for found in connect(client, handle="ana")] == ["ana"]
    facebook.settings(viewer_pages=3)
    with pytest.raises(ConnectRefused) as refused:
        connect(client, handle="ana")
    assert refused.value.code == "no_pages"


def test_a_code_works_once(client: Facebook) -> None:
    """A callback that is opened again is stale."""
    consent = client.begin({}, CALLBACK)
    back = visit(consent.url, handle="ana")
    client.finish(consent.memory, back, CALLBACK)
    with pytest.raises(ConnectRefused) as refused:
        client.finish(consent.memory, back, CALLBACK)
    assert refused.value.code == "stale"


def test_a_wrong_app_secret_is_the_operators(facebook: FacebookSandbox) -> None:
    """The person can do nothing about it."""
    with pytest.raises(ConnectRefused) as refused:
        connect(facebook.network(FACEBOOK_CLIENT_SECRET="wrong"), handle="ana")
    assert refused.value.code == "app_refused"


@pytest.mark.parametrize("operation", ["code", "token", "lookup"])
def test_signing_in_while_facebook_is_down(
    facebook: FacebookSandbox, client: Facebook, operation: str
) -> None:
    """At every step no answer is no answer."""
    facebook.fault("status", operation, status=503)
    with pytest.raises(LookUpFailed):
        connect(client, handle="ana")


def test_two_people_of_one_page(facebook: FacebookSandbox, client: Facebook) -> None:
    """Who consents is the person; the Page that both may use says nothing about either."""
    facebook.settings(shared={"ana.shop": ["ben"]}, duplicate_window=0)
    ana, ben = (connect(client, handle=handle) for handle in ("ana", "ben"))
    shops = [found for found in (*ana, *ben) if found.profile.handle == "ana.shop"]
    assert [len(ana), len(ben), len(shops)] == [3, 4, 2]
    people = [{found.profile.person_id for found in pages} for pages in (ana, ben)]
    assert [len(ids) for ids in people] == [1, 1]
    assert people[0] != people[1]
    pages = {found.profile.remote_id for found in (*ana, *ben)}
    assert not pages & (people[0] | people[1])
    assert all(publishes(client, shop.credentials) for shop in shops)


@pytest.mark.parametrize("is_dead", [False, True])
def test_who_connected_a_page(facebook: FacebookSandbox, client: Facebook, is_dead: bool) -> None:
    """A Page's token tells whose consent it comes from, even after it has died."""
    facebook.settings(shared={"ana.shop": ["ben"]})
    for handle in ("ana", "ben"):
        found = connect(client, handle=handle)
        if is_dead:
            facebook.control("revoke", handle=handle)
        for connection in found:
            assert client.connected_by(connection.credentials) == connection.profile.person_id


def test_nobody_knows_who_connected_it(facebook: FacebookSandbox, client: Facebook) -> None:
    """A token that Facebook has forgotten, of another Page or of another app proves nothing."""
    (page, other, _) = connect(client, handle="ana")
    assert client.connected_by({"access_token": "forgotten", "page_id": "1"}) == ""
    swapped = {**page.credentials, "page_id": other.credentials["page_id"]}
    assert client.connected_by(swapped) == ""
    person = facebook.mint("ana", kind="long")
    assert client.connected_by({**page.credentials, "access_token": person["access_token"]}) == ""
    with pytest.raises(LookUpFailed):
        facebook.network(FACEBOOK_CLIENT_SECRET="wrong").connected_by(page.credentials)
