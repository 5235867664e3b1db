"""Which accounts sign their owner in, who decides it, and what others may try."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from app.db import db, utcnow
from app.models import Account, AuditEvent, PendingConnection, User
from tests.support.visitor import SERVER, Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

ASKS = "/accounts/confirm"


def handles_of(running: World, handle: str) -> list[str]:
    """Return the accounts of whoever has this one."""
    with running.rows():
        return [account.handle for account in User.by_handle(handle).accounts]


def pending_rows(running: World) -> int:
    """Return how many opened accounts wait for somebody's word."""
    with running.rows():
        return PendingConnection.query.count()


def id_of(running: World, handle: str, network: str = "x") -> int:
    """Return the id of a connected account."""
    with running.rows():
        found = Account.query.filter_by(handle=handle, network=network, connected=True).one()
        return int(found.id)


def server_here(visitor: Visitor) -> str:
    """Return the Mastodon server of the sandbox."""
    found = SERVER.search(visitor.get("/login/mastodon").text)
    assert found
    return found[1]


def callback_of(visitor: Visitor, network: str, handle: str) -> str:
    """Walk to the consent page, agree, and return where the network sends the browser."""
    consent = visitor.begin(network, handle)
    answer = {"handle": handle, "decision": "approve"}
    there = visitor.http.post(consent.url, data=answer, allow_redirects=False, timeout=20)
    return there.headers["Location"]


@pytest.mark.parametrize("network", ["x", "facebook", "mastodon", "bluesky"])
def test_a_link_begins_nothing_for_a_signed_in_person(
    running: World, visitor: Visitor, network: str
) -> None:
    """Whatever the link says: a form of ours, which only its own button sends."""
    visitor.sign_in(f"linked_{network}")
    query = {"server": server_here(visitor), "identifier": "evil.test", "password": "x"}
    page = visitor.get(f"/login/{network}", params=query, allow_redirects=False)
    assert page.status_code == 200
    assert f'action="/login/{network}"' in page.text
    without_token = visitor.http.post(f"{running.site}/login/{network}", data=query, timeout=20)
    assert without_token.status_code == 400
    assert handles_of(running, f"linked_{network}") == [f"linked_{network}"]


@pytest.mark.parametrize("network", ["x", "facebook"])
def test_signed_out_the_way_is_short(visitor: Visitor, network: str) -> None:
    """Where nothing is typed and nobody is signed in, straight to the consent page."""
    going = visitor.get(f"/login/{network}", allow_redirects=False)
    assert going.status_code == 302
    assert not going.headers["Location"].startswith(visitor.site)


@pytest.mark.parametrize("network", ["x", "facebook", "mastodon"])
def test_nothing_is_added_before_its_owner_says_so(
    running: World, visitor: Visitor, network: str
) -> None:
    """The callback leads to a page that names the account and its server, and only asks."""
    me = f"care_{network}"
    visitor.sign_in(me)
    back = visitor.get(callback_of(visitor, network, "further"), allow_redirects=False)
    assert (back.status_code, back.headers["Location"]) == (303, ASKS)
    told = visitor.get(ASKS, headers={"Accept": "application/json"}).json()
    assert (told["network"], told["accounts"][0]["is_known"]) == (network, False)
    for _ in range(2):
        asked = visitor.get(ASKS)
        assert "@further" in asked.text.lower()
    if network == "mastodon":
        assert urlsplit(server_here(visitor)).netloc in asked.text
    assert handles_of(running, me) == [me]
    assert visitor.http.post(running.site + ASKS, timeout=20).status_code == 400
    done = visitor.submit(ASKS)
    assert done.url.endswith("/accounts")
    assert len(handles_of(running, me)) > 1
    assert pending_rows(running) == 0
    assert visitor.get(ASKS).url.endswith("/accounts")
    assert visitor.post(ASKS).status_code == 404


def test_refusing_ends_the_access_at_the_network(running: World, visitor: Visitor) -> None:
    """Nothing is kept here, and the token that was opened is dead there."""
    visitor.sign_in("refuser")
    visitor.open("x", "unwanted")
    with running.rows():
        token = PendingConnection.query.one().opened["connections"][0]["credentials"]
    page = visitor.submit(ASKS, refuse="1")
    assert "Nothing was connected." in page.text
    assert handles_of(running, "refuser") == ["refuser"]
    assert pending_rows(running) == 0
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    me = requests.get(f"{running.sandbox.url}/2/users/me", headers=headers, timeout=10)
    assert me.status_code == 401


def test_an_answer_that_cannot_be_read_connects_nothing(running: World, visitor: Visitor) -> None:
    """Neither yes nor no: it is asked again."""
    visitor.sign_in("unclear")
    visitor.open("x", "undecided")
    for wrong in ({"refuse": "x"}, {"refuse": []}, {"refuse": 2}, {"shown": []}, {"refused": 1}):
        assert visitor.post(ASKS, **wrong).status_code == 422, wrong
    assert visitor.submit(ASKS, refuse="x").status_code == 422
    assert handles_of(running, "unclear") == ["unclear"]
    assert visitor.post(ASKS, refuse=False).status_code == 200
    assert len(handles_of(running, "unclear")) == 2


def test_refusing_to_reconnect_leaves_what_works(running: World, visitor: Visitor) -> None:
    """The same account is connected already: its access must not die with the refused one."""
    visitor.sign_in("stays")
    visitor.open("x", "stays")
    visitor.post(ASKS, refuse=1)
    made = visitor.post("/tweets", text="Still connected").json()
    assert visitor.until_final(made["job_id"])["status"] == "done"


@pytest.mark.slow
def test_what_nobody_answers_is_swept(running: World, visitor: Visitor) -> None:
    """After 15 minutes it is too late to say yes, and a worker ends the access."""
    visitor.sign_in("dreamer")
    visitor.open("x", "dreamt")
    with running.rows():
        PendingConnection.query.one().created_at = utcnow() - timedelta(minutes=16)
        db.session.commit()
    assert visitor.post(ASKS).status_code == 404
    wait_for(lambda: pending_rows(running) == 0, what="the sweep")
    assert handles_of(running, "dreamer") == ["dreamer"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"shown": []}, "shown"),
        ({"shown": {"a": 1}}, "shown"),
        ({"refuse": []}, "refuse"),
        ({"refuse": "yes"}, "refuse"),
        ({"refuse": 2}, "refuse"),
        ({"refuze": True}, "refuze"),
    ],
    ids=repr,
)
def test_what_is_no_yes_connects_nothing(
    running: World, visitor: Visitor, body: dict[str, Any], field: str
) -> None:
    """A refusal that is misspelt, or of another type, is a 422 that names it, and no consent."""
    visitor.sign_in("careful")
    visitor.open("x", "misspelt")
    wrong = visitor.post(ASKS, **body)
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, field)
    assert handles_of(running, "careful") == ["careful"]
    for no in ({"refuse": 1}, {"refuse": "1"}, {"refuse": True}):
        assert visitor.post(ASKS, **no).json()["accounts"] == []
        visitor.open("x", "misspelt")
    assert visitor.post(ASKS, refuse=True).ok
    assert handles_of(running, "careful") == ["careful"]


@pytest.mark.parametrize("wrong", [[], {}, None, "yes", -1], ids=repr)
def test_the_small_forms_take_no_odd_types(running: World, visitor: Visitor, wrong: Any) -> None:
    """422 with the field for whatever JSON has where a form has a number."""
    visitor.sign_in("odd_types")
    own = id_of(running, "odd_types")
    wanted = {f"/accounts/{own}/door": "signs_in", "/settings/sessions/seen": "up_to"}
    for path, field in wanted.items():
        refused = visitor.post(path, **{field: wrong})
        assert (refused.status_code, refused.json()["error"]["field"]) == (422, field)


def test_what_waits_belongs_to_one_person(running: World, visitor: Visitor) -> None:
    """Whoever signs in after that in the same browser is not asked."""
    visitor.sign_in("before")
    visitor.open("x", "opened")
    visitor.submit("/logout")
    visitor.sign_in("after")
    assert visitor.get(ASKS).url.endswith("/accounts")
    with running.rows():
        PendingConnection.query.delete()
        db.session.commit()


def test_a_page_that_several_people_use_is_no_key_of_theirs(visitor: Visitor) -> None:
    """Only the person who connects a Page of Facebook signs in with it, and the page says so."""
    visitor.sign_in("has_pages")
    asked = visitor.open("facebook", "has_pages").text
    assert "others who may post for this Page cannot" in asked
    assert "Anyone who can use it" not in asked


def test_somebody_elses_account_is_refused_on_the_page(running: World, ana: Visitor) -> None:
    """The page says so with a 409, and saying yes changes nothing."""
    thief = Visitor(running.site)
    thief.sign_in("thief")
    page = thief.open("x", "ana")
    assert (page.status_code, page.url.endswith(ASKS)) == (409, True)
    assert "already connected to another user" in page.text
    assert thief.post(ASKS).status_code == 409
    assert handles_of(running, "thief") == ["thief"]


@pytest.mark.parametrize("target", ["x/callback/evil.example", "facebook/callback"])
def test_a_state_is_bound_to_its_network_and_server(visitor: Visitor, target: str) -> None:
    """The honest answer reaches another address than the one that was made for it: refused."""
    callback = callback_of(visitor, "x", "mixed_up")
    foreign = visitor.get(f"/login/{target}?{urlsplit(callback).query}")
    assert foreign.status_code == 400
    assert "another window, or too long ago" in foreign.text
    assert visitor.get(callback).status_code == 400  # it was good for once
    assert "@mixed_up" not in visitor.get("/").text


def test_a_mastodon_state_reaches_no_other_server(visitor: Visitor) -> None:
    """RFC 9700 4.4: a code must not get to another server than the one that gave it."""
    callback = urlsplit(callback_of(visitor, "mastodon", "mixed_up"))
    assert parse_qs(callback.query)["code"]
    for host in ("evil.example", "127.0.0.1:1", "%2e%2e"):
        foreign = visitor.get(f"/login/mastodon/callback/{host}?{callback.query}")
        assert foreign.status_code == 400


def test_what_began_signed_in_signs_nobody_in(visitor: Visitor) -> None:
    """Its person signed out meanwhile: the answer must not sign in whoever is there."""
    visitor.sign_in("leaves_early")
    callback = callback_of(visitor, "x", "comes_late")
    cookies = visitor.http.cookies.copy()
    visitor.submit("/logout")
    visitor.http.cookies = cookies
    assert visitor.get(callback).status_code == 400
    assert "@comes_late" not in visitor.get("/").text


def test_an_account_of_a_typed_server_only_publishes(running: World, visitor: Visitor) -> None:
    """Nobody signs in with it, and nobody becomes a second user by it, until its owner says so."""
    visitor.sign_in("host_owner")
    visitor.connect("mastodon", "host_owner")
    handle = f"host_owner@{urlsplit(server_here(visitor)).netloc}"
    account_id = id_of(running, handle, "mastodon")
    visitor.post(f"/accounts/{account_id}", "PATCH", signs_in=False)
    assert "Only publishes: nobody signs in with it." in visitor.get("/accounts").text
    stranger = Visitor(running.site)
    refused = stranger.connect("mastodon", "host_owner")
    assert refused.status_code == 403
    assert "cannot be used to sign in" in refused.text
    assert id_of(running, handle, "mastodon") == account_id
    on = visitor.post(f"/accounts/{account_id}", "PATCH", signs_in=True)
    assert (on.status_code, on.json()["signs_in"], on.json()["id"]) == (200, True, account_id)
    assert "@host_owner" in stranger.connect("mastodon", "host_owner").text
    assert stranger.get("/accounts").text.count('class="panel account-card"') == 2


def test_the_first_account_signs_in_wherever_it_is(running: World, visitor: Visitor) -> None:
    """Somebody who comes with a Mastodon account can come back with it."""
    assert visitor.connect("mastodon", "first_there").status_code == 200
    again = Visitor(running.site)
    assert again.connect("mastodon", "first_there").status_code == 200
    assert again.get("/accounts").text.count('class="panel account-card"') == 1


def test_the_last_sign_in_method_cannot_be_taken_away(running: World, visitor: Visitor) -> None:
    """409 for the last one, strict input, nobody else's, and a form that works without scripts."""
    visitor.sign_in("one_method")
    visitor.sign_in("other_method")
    first, second = id_of(running, "one_method"), id_of(running, "other_method")
    with_first = Visitor(running.site)
    with_first.sign_in("one_method")
    for wrong in ({"signs_in": "false"}, {"signs_in": 0}, {}, {"signs_in": True, "health": "ok"}):
        assert visitor.post(f"/accounts/{first}", "PATCH", **wrong).status_code == 422
    off = visitor.post(f"/accounts/{first}", "PATCH", signs_in=False)
    assert (off.status_code, off.json()["signs_in"]) == (200, False)
    last = visitor.post(f"/accounts/{second}", "PATCH", signs_in=False)
    assert (last.status_code, last.json()["error"]["code"]) == (409, "last_door")
    stranger = Visitor(running.site)
    stranger.sign_in("passer_by")
    assert stranger.post(f"/accounts/{first}", "PATCH", signs_in=True).status_code == 404
    assert stranger.submit(f"/accounts/{first}/door", signs_in="1").status_code == 404
    assert with_first.get("/accounts", allow_redirects=False).status_code == 302
    assert Visitor(running.site).sign_in("one_method").status_code == 403
    page = visitor.get(f"/accounts/{second}/disconnect").text
    assert "This is the only account you can sign in with." in page
    assert "Let @one_method sign in" in page
    form = visitor.submit(f"/accounts/{first}/door", signs_in="1")
    assert "You can now sign in with @one_method." in form.text
    assert Visitor(running.site).sign_in("one_method").status_code == 200


def test_a_disconnected_account_is_nobodys_identity(running: World, visitor: Visitor) -> None:
    """It does not sign in as its former user; whoever owns it begins anew, or connects it."""
    visitor.sign_in("keeps_it")
    visitor.sign_in("lets_go")
    elsewhere = Visitor(running.site)
    elsewhere.sign_in("lets_go")
    assert "@keeps_it" in elsewhere.get("/accounts").text
    gone = id_of(running, "lets_go")
    visitor.submit(f"/accounts/{gone}/disconnect")
    assert elsewhere.get("/accounts", allow_redirects=False).status_code == 302
    fresh = Visitor(running.site)
    fresh.sign_in("lets_go")
    assert "@keeps_it" not in fresh.get("/accounts").text
    assert id_of(running, "lets_go") != gone
    assert handles_of(running, "keeps_it") == ["keeps_it"]
    taken = visitor.open("x", "lets_go")
    assert taken.status_code == 409


def test_a_second_connection_of_an_identity_outlives_the_first(
    running: World, visitor: Visitor
) -> None:
    """Finishing a disconnection forgets, but must not end what another row uses."""
    visitor.sign_in("handed_on")
    running.sandbox.fault("slow", handle="handed_on", seconds=3)
    made = visitor.post("/tweets", text="While it is being sent").json()
    wait_for(lambda: visitor.status(made["job_id"])["state"] == "sending", what="the send")
    visitor.submit(f"/accounts/{id_of(running, 'handed_on')}/disconnect")
    heir = Visitor(running.site)
    heir.sign_in("handed_on")
    running.sandbox.mend()

    def forgotten() -> bool:
        with running.rows():
            rows = Account.query.filter_by(handle="handed_on", connected=False).all()
            return [row.credentials for row in rows] == [{}]

    wait_for(forgotten, what="the end of the first access")
    own = heir.post("/tweets", text="By the second row").json()
    assert heir.until_final(own["job_id"])["status"] == "done"
    with running.rows():
        attempts = Account.query.filter_by(handle="handed_on", connected=True).one()
        assert attempts.credentials_version == 1  # not even refreshed: the access was not ended


def test_what_happened_is_kept(running: World, visitor: Visitor) -> None:
    """The audit log has sign-ins, connections, switches and disconnections, and no token."""
    visitor.sign_in("logged")
    visitor.sign_in("logged_too")
    second = id_of(running, "logged_too")
    visitor.post(f"/accounts/{second}", "PATCH", signs_in=False)
    Visitor(running.site).sign_in("logged_too")
    visitor.submit(f"/accounts/{second}/disconnect")
    visitor.submit("/logout")
    with running.rows():
        user_id = User.by_handle("logged").id
        events = AuditEvent.query.filter_by(user_id=user_id).order_by(AuditEvent.id).all()
        kinds = [event.kind for event in events]
        assert all(event.address == "127.0.0.1" for event in events)
        assert all(event.browser == "python-requests" for event in events)
    assert kinds == [
        *("signed_in_new_browser", "account_added", "account_added", "signs_in_off"),
        *("sign_in_refused", "account_disconnected", "signed_out"),
    ]
    assert re.search(r"INFO app.accounts.audit: account_disconnected: user \d+", running.log())


@pytest.mark.slow
def test_a_person_has_so_many_accounts(running: World) -> None:
    """One more is a 422 with a plain sentence; reconnecting and signing in still work."""
    visitor = Visitor(running.start_web(MAX_ACCOUNTS="1"))
    visitor.sign_in("full")
    visitor.open("x", "too_much")
    refused = visitor.post(ASKS)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "quota")
    assert refused.json()["error"]["message"] == "You can connect at most 1 account."
    assert handles_of(running, "full") == ["full"]
    assert visitor.sign_in("full").status_code == 200
    visitor.submit("/logout")
    assert "@full" in visitor.sign_in("full").text
    pages = visitor.connect("facebook", "full")
    assert pages.status_code == 422
