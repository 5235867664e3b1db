"""An account on a Bluesky server of somebody's own: from the form to what is published there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from app.db import db
from app.models import Account
from sandbox.bluesky import did_of
from tests.support.bluesky import BlueskySandbox
from tests.support.scripted import ScriptedServer
from tests.support.visitor import Visitor
from tests.support.world import World

pytestmark = pytest.mark.slow

PASSWORD = "sandbox-password"


@pytest.fixture(scope="module")
def home() -> Iterator[BlueskySandbox]:
    """A server that somebody runs."""
    with closing(BlueskySandbox()) as sandbox:
        yield sandbox


def move(world: World, handle: str, server: str, *names: str) -> str:
    """Let the directory say where somebody's account is kept; return its DID."""
    did = did_of(handle)
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": server}
    claims = [f"at://{name}" for name in names or (handle,)]
    document = {"id": did, "alsoKnownAs": claims, "service": [service]}
    world.sandbox.on("bluesky").settings(documents={did: document})
    return did


@pytest.mark.parametrize("typed", [True, False])
def test_publishing_on_a_server_of_ones_own(
    running: World, visitor: Visitor, home: BlueskySandbox, typed: bool
) -> None:
    """Typed or found, it gets the password and the post; the usual server gets neither."""
    handle = f"own{typed}.test".lower()
    did = move(running, handle, home.url)
    entryway = running.sandbox.on("bluesky")
    asked_before = entryway.calls("code")
    server = home.url if typed else ""
    page = visitor.submit(
        "/login/bluesky", identifier=f"bsky.app/profile/{handle}", password=PASSWORD, server=server
    )
    assert page.status_code == 200, page.text
    assert entryway.calls("code") == asked_before
    text = f"From my own server, {typed}"
    answer = visitor.post("/tweets", text=text)
    assert answer.status_code == 202, answer.text
    status = visitor.until_final(answer.json()["job_id"])
    assert status["status"] == "done"
    assert [post["text"] for post in home.state()["tweets"]].count(text) == 1
    assert text not in entryway.texts()
    with running.rows():
        account = db.session.scalars(db.select(Account).where(Account.remote_id == did)).one()
        assert account.host == home.url.removeprefix("http://")


def test_a_server_that_is_not_the_accounts(
    running: World, visitor: Visitor, scripted: ScriptedServer
) -> None:
    """The form comes back and says so; that server has heard nothing."""
    page = visitor.submit(
        "/login/bluesky", identifier="ben.test", password=PASSWORD, server=scripted.url
    )
    assert page.status_code == 422
    assert "not on the server that you typed" in page.text
    assert f'value="{scripted.url}"' in page.text
    assert PASSWORD not in page.text
    assert scripted.seen == []


def test_a_name_that_points_at_somebody_else(
    running: World, visitor: Visitor, scripted: ScriptedServer
) -> None:
    """A document that does not name the handle: nobody is signed in, and nobody is told."""
    move(running, "pointed.test", scripted.url, "another.test")
    page = visitor.submit("/login/bluesky", identifier="pointed.test", password=PASSWORD, server="")
    assert page.status_code == 422
    assert "cannot tell whose account it is" in page.text
    assert scripted.seen == []


def test_the_server_may_stay_empty(visitor: Visitor) -> None:
    """Nearly everybody's is found without it."""
    page = visitor.get("/login/bluesky").text
    field = page[page.index('name="server"') :].partition(">")[0]
    assert "required" not in field
    assert "required" in page[page.index('name="identifier"') :].partition(">")[0]
    answer = visitor.submit("/login/bluesky", identifier="ana.test", password=PASSWORD)
    assert answer.status_code == 200
