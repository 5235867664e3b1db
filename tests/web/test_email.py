"""Addresses, signing up and unsubscribing as people and mail programs do it."""

from __future__ import annotations

import re
import uuid

import pytest
import requests

from app.db import db
from app.models import EmailLink, User
from tests.conftest import MakeWorld
from tests.support import mailing
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World


@pytest.fixture(scope="module")
def running(make_lasting_world: MakeWorld) -> World:
    """Web and worker, where people may ask for many mails."""
    world = make_lasting_world(RATE_LIMIT_MAIL="1000 per hour", REMINDER_AFTER="3600")
    world.start_worker()
    world.site = world.start_web()
    return world


@pytest.fixture
def address() -> str:
    """An address that nobody has."""
    return f"{uuid.uuid4().hex[:10]}@example.com"


def link_to(world: World, address: str, count: int = 1, kind: str = "/") -> str:
    """Wait for so many mails and return the path of the last link of a kind.

    Mails that are asked for at the same time come in any order.
    """
    found = wait_for(
        lambda: (mails := world.sandbox.mails(address)) and len(mails) >= count and mails,
        what="the mail",
    )
    links = [mailing.links_in(mail)[0] for mail in found]
    return [path for path in links if path.startswith(kind)][-1]


def press(world: World, path: str) -> requests.Response:
    """Press the button of a link, without a session and without a token of ours."""
    return requests.post(world.site + path, timeout=20, headers={"Accept": "application/json"})


def email_of(visitor: Visitor) -> dict[str, object]:
    """Return the address of who is signed in."""
    return dict(visitor.get("/email", headers={"Accept": "application/json"}).json()["email"])


def sign_up(world: World, address: str) -> Visitor:
    """Sign up by a link; return the browser that did it."""
    visitor = Visitor(world.site)
    assert visitor.post("/sign-up", address=address).status_code == 202
    path = link_to(world, address)
    assert visitor.get(path).status_code == 200
    answer = visitor.http.post(world.site + path, timeout=20)
    assert answer.status_code == 200, answer.text
    return visitor


def test_an_address_is_confirmed(running: World, ana: Visitor, address: str) -> None:
    """A link is opened without effect, used once, and changes the address only then."""
    assert ana.post("/email", address=address.upper()).status_code == 202
    local, domain = address.upper().split("@")
    kept = f"{local}@{domain.lower()}"
    assert email_of(ana) == {"address": None, "confirmed": False, "waiting": kept}
    path = link_to(running, kept)
    for _ in range(2):  # as scanners of mails do
        page = requests.get(running.site + path, timeout=20)
        assert (page.status_code, page.text.count("<form")) == (200, 1)
    assert email_of(ana)["waiting"] == kept
    assert press(running, path).status_code == 200
    assert email_of(ana) == {"address": kept, "confirmed": True, "waiting": None}
    assert press(running, path).status_code == 410
    assert requests.get(running.site + path, timeout=20).status_code == 410
    assert ana.post("/email", address="other@example.com").status_code == 202
    assert email_of(ana) == {"address": kept, "confirmed": True, "waiting": "other@example.com"}
    assert kept in ana.get("/settings").text
    assert ana.post("/email", "DELETE").status_code == 204
    assert email_of(ana) == {"address": None, "confirmed": False, "waiting": None}
    assert press(running, link_to(running, "other@example.com")).status_code == 410


def test_links_end(running: World, ana: Visitor, address: str) -> None:
    """A link that is too old is over; so is one that never was."""
    ana.post("/email", address=address)
    path = link_to(running, address)
    with running.rows():
        db.session.execute(
            db.update(EmailLink).where(EmailLink.address == address).values(expires_at=0)
        )
        db.session.commit()
    for old in (path, "/email/confirm/unknown", "/sign-up/unknown"):
        assert press(running, old).status_code == 410
        assert requests.get(running.site + old, timeout=20).status_code == 410
    assert press(running, "/unsubscribe/unknown").status_code == 404


def test_malformed(ana: Visitor) -> None:
    """What is no address is told at its field."""
    for wrong in (
        "",
        "ana",
        "ana@",
        "a b@example.com",
        "ana@exa mple.com",
        "ana@example.com\nBcc: b",
    ):
        answer = ana.post("/email", address=wrong)
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "address"), wrong
    page = ana.submit("/email", address="ana@")
    assert page.status_code == 422
    assert 'value="ana@"' in page.text
    assert Visitor(ana.site).submit("/sign-up", address="ana@").status_code == 422


def test_signing_up(running: World, address: str) -> None:
    """A person without any account can use every page, and comes back by another link."""
    visitor = sign_up(running, address)
    assert email_of(visitor) == {"address": address, "confirmed": True, "waiting": None}
    for page in (
        "/",
        "/accounts",
        "/settings",
        "/settings/sessions",
        "/email",
        "/interests",
        "/numbers",
    ):
        assert visitor.get(page).status_code == 200, page
    refused = visitor.post("/email", "DELETE")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "last_way_in")
    again = Visitor(running.site)
    assert again.post("/sign-up", address=address).status_code == 202
    path = link_to(running, address, count=2)
    cross = {"Sec-Fetch-Site": "cross-site"}
    refused = requests.post(running.site + path, headers=cross, timeout=20)
    assert refused.status_code == 403
    assert again.http.post(running.site + path, timeout=20).status_code == 200
    assert email_of(again)["address"] == address
    with running.rows():
        assert db.session.query(User).count() >= 1
    connected = visitor.sign_in(f"p{uuid.uuid4().hex[:8]}")
    assert connected.status_code == 200
    assert visitor.post("/email", "DELETE").status_code == 204


def test_nobody_learns_who_has_an_address(running: World, ana: Visitor, address: str) -> None:
    """Forms answer the same for every address; the one who reads its mail is told the truth."""
    sign_up(running, address)
    stranger = Visitor(running.site)
    known, unknown = (stranger.post("/sign-up", address=one) for one in (address, f"x{address}"))
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert ana.post("/email", address=address).status_code == 202
    path = link_to(running, address, count=3, kind="/email/confirm/")
    taken = press(running, path)
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "address_taken")
    assert email_of(ana)["address"] is None


def test_one_click_unsubscribes(running: World, address: str) -> None:
    """RFC 8058: a mail program ends one kind, without a session and a token of ours."""
    user_id = mailing.person(running, address)
    mailing.remind(running, user_id)
    path = link_to(running, address)
    page = requests.get(running.site + path, timeout=20)
    assert (page.status_code, page.text.count("<form")) == (200, 1)
    answer = requests.post(running.site + path, data={"List-Unsubscribe": "One-Click"}, timeout=20)
    assert answer.status_code == 200
    with running.rows():
        from app import mail

        assert mail.subscriptions.unwanted_by(f"user:{user_id}") == {"reminder"}
        assert mail.subscriptions.wants(f"user:{user_id}", "failed")


def test_rates(make_world: MakeWorld, sqlite_url: str) -> None:
    """Five mails an hour for a person, and to an address, whoever asks."""
    world = make_world(sqlite_url)
    world.site = world.start_web()
    ana = Visitor(world.site)
    ana.sign_in("ana")
    answers = [ana.post("/email", address=f"a{n}@example.com").status_code for n in range(6)]
    assert answers == [202] * 5 + [429]
    refused = ana.post("/email", address="a@example.com").json()["error"]["message"]
    minutes = re.fullmatch(r"That was too often. Try again in (\d+) minutes.", refused)
    assert minutes
    assert 50 <= int(minutes[1]) <= 61  # an hour and the rest of a second, rounded up
    stranger = Visitor(world.site)
    answers = [stranger.post("/sign-up", address="ben@example.com").status_code for _ in range(6)]
    assert answers == [202] * 5 + [429]
    ben = Visitor(world.site)
    ben.sign_in("ben")
    assert ben.post("/email", address="ben@example.com").status_code == 429


def test_without_a_mail_server(make_world: MakeWorld, sqlite_url: str) -> None:
    """Nothing is offered that needs one."""
    world = make_world(sqlite_url, MAIL_URL="")
    world.site = world.start_web()
    visitor = Visitor(world.site)
    assert "/sign-up" not in visitor.get("/").text
    assert visitor.post("/sign-up", address="ana@example.com").status_code == 404
    visitor.sign_in("ana")
    assert "/email" not in visitor.get("/settings").text
    assert visitor.get("/email").status_code == 404
