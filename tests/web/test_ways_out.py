"""A sign-in that ends at the server, with an error of its own, and never comes back to us."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from app.db import db
from app.models import Account
from tests.support.hostile_mastodon import HostileMastodon
from tests.support.mastodon import MastodonSandbox
from tests.support.sandbox import Sandbox
from tests.support.servers import Valkey
from tests.support.visitor import Visitor
from tests.support.world import World

QUESTION = "Did the server show an error instead of asking you?"


@pytest.fixture(scope="module")
def world(
    valkey: Valkey,
    sandbox_program: Sandbox,
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """The web on SQLite, which counts nobody's sign-ins: all visitors here share an address."""
    folder = tmp_path_factory.mktemp("installation")
    shutil.copy(sqlite_template, folder / "tweet-later.sqlite3")
    url = f"sqlite:///{folder / 'tweet-later.sqlite3'}"
    sandbox_program.reset()
    world = World(folder, url, valkey, sandbox_program, RATE_LIMIT_SIGN_IN="100000 per minute")
    world.site = world.start_web()
    yield world
    world.close()


@pytest.fixture
def site(world: World, valkey: Valkey) -> World:
    """The same, where nobody has pressed anything yet."""
    valkey.flush()
    return world


@pytest.fixture
def server() -> Iterator[MastodonSandbox]:
    """A server that tells nobody but the person at its page that it has forgotten our app."""
    server = MastodonSandbox()
    server.settings(hides_dead_apps=True)
    yield server
    server.close()


def begin(visitor: Visitor, url: str) -> str:
    """Name a server and press the button; return the address of its consent page."""
    return sent_on(visitor, "/login/mastodon", server=url)


def sent_on(visitor: Visitor, path: str, **fields: str) -> str:
    """Send a form of ours; return where the answer leads."""
    form = {"csrf_token": visitor.token(), **fields}
    address = f"{visitor.site}{path}"
    answer = visitor.http.post(address, data=form, allow_redirects=False, timeout=30)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def way_out(page: str) -> dict[str, str]:
    """Return the fields of the form that offers the way out."""
    (section,) = re.findall(r'<section class="panel way-out".*?</section>', page, re.DOTALL)
    assert QUESTION in section
    assert 'action="/login/mastodon/anew"' in section
    return dict(re.findall(r'name="(server|back)" value="([^"]*)"', section))


def visit(consent: str) -> int:
    """Open a consent page as somebody who is signed in there; return the status."""
    return requests.get(consent, cookies={"signed_in": "1"}, timeout=10).status_code


def approve(consent: str, handle: str) -> str:
    """Approve; return the way back to the callback."""
    assert visit(consent) == 200
    form = {"handle": handle, "decision": "approve"}
    answer = requests.post(consent, data=form, allow_redirects=False, timeout=20)
    return answer.headers["Location"]


def client_in(consent: str) -> str:
    """Return the app that a consent page is for."""
    return parse_qs(urlsplit(consent).query)["client_id"][0]


def connect(visitor: Visitor, server: MastodonSandbox, handle: str) -> None:
    """Sign in, or connect a further account."""
    page = visitor.get(approve(begin(visitor, server.url), handle))
    if urlsplit(page.url).path == "/accounts/confirm":
        page = visitor.submit("/accounts/confirm")
    assert page.ok, page.text


def credentials_of(world: World, handle: str, server: MastodonSandbox) -> dict[str, str]:
    """Return what is kept to speak for an account."""
    with world.rows():
        wanted = db.select(Account).filter_by(handle=f"{handle}@{server.url[7:]}", connected=True)
        return dict(db.session.scalars(wanted).one().credentials)


def test_whoever_is_stranded_gets_in_by_a_new_app(site: World, server: MastodonSandbox) -> None:
    """The server has forgotten us, lets nobody come back, and our own calls cannot tell."""
    connect(Visitor(site.site), server, "anton")
    server.control("revoke", what="apps")
    bert = Visitor(site.site)
    assert QUESTION not in bert.get("/login/mastodon").text
    stranded = begin(bert, server.url)
    assert visit(stranded) == 400
    fields = way_out(bert.get("/login/mastodon").text)
    assert fields["server"] == server.url[7:]
    consent = sent_on(bert, "/login/mastodon/anew", **fields)
    assert client_in(consent) != client_in(stranded)
    page = bert.get(approve(consent, "bert"))
    assert f"@bert@{server.url[7:]}" in page.text
    for path in ("/accounts", "/login/mastodon"):
        assert QUESTION not in bert.get(path).text
    connect(Visitor(site.site), server, "cora")  # the next one meets no error at all
    assert server.state()["apps"] == ["Tweet Later"]


def test_whoever_is_signed_in_finds_it_on_the_accounts_page(
    site: World, server: MastodonSandbox
) -> None:
    """And comes back to it, asked whether to connect the account."""
    dora = Visitor(site.site)
    dora.sign_in("dora")
    begin(dora, server.url)
    server.control("revoke", what="apps")
    fields = way_out(dora.get("/accounts").text)
    assert fields["back"] == "accounts"
    asked = dora.get(approve(sent_on(dora, "/login/mastodon/anew", **fields), "dora"))
    assert asked.url.endswith("/accounts/confirm")
    page = dora.submit("/accounts/confirm")
    assert page.url.endswith("/accounts")
    assert QUESTION not in page.text


def test_nobody_elses_sign_in_or_access_breaks(site: World, server: MastodonSandbox) -> None:
    """Somebody presses the button though nothing is wrong: another is on the consent page of the
    old app and comes back from it, and what was connected with it goes on, and ends, with it.
    """
    emil, fritz, gerd = (Visitor(site.site) for _ in range(3))
    connect(emil, server, "emil")
    before = credentials_of(site, "emil", server)
    fritzs = begin(fritz, server.url)
    gerds = begin(gerd, server.url)
    fields = way_out(gerd.get("/login/mastodon").text)
    anew = sent_on(gerd, "/login/mastodon/anew", **fields)
    assert client_in(fritzs) == client_in(gerds) == before["client_id"]
    fritz.get(approve(fritzs, "fritz"))
    gerd.get(approve(anew, "gerd"))
    assert credentials_of(site, "fritz", server)["client_id"] == before["client_id"]
    assert credentials_of(site, "gerd", server)["client_id"] == client_in(anew)
    assert credentials_of(site, "emil", server) == before
    me = "/api/v1/accounts/verify_credentials"
    assert server.call("GET", me, before).status_code == 200
    with site.rows():
        wanted = db.select(Account.id).filter_by(handle=f"emil@{server.url[7:]}")
        account_id = db.session.scalars(wanted).one()
    emil.submit(f"/accounts/{account_id}/disconnect")
    assert server.call("GET", me, before).status_code == 401


def test_a_server_is_not_flooded(site: World, server: MastodonSandbox) -> None:
    """One new app an hour, however many ask; who tried the old one gets the new one for nothing."""
    visitors = [Visitor(site.site) for _ in range(3)]
    for visitor in visitors:
        begin(visitor, server.url)
    fields = way_out(visitors[0].get("/login/mastodon").text)
    apps = {client_in(sent_on(one, "/login/mastodon/anew", **fields)) for one in visitors}
    assert len(apps) == 1
    refused = visitors[0].submit("/login/mastodon/anew", **fields)
    assert (refused.status_code, "within the last hour" in refused.text) == (422, True)
    assert QUESTION not in refused.text  # it has been tried
    again = visitors[0].submit("/login/mastodon/anew", **fields)
    assert (again.status_code, again.url.split("?")[0]) == (200, f"{site.site}/login/mastodon")
    told = visitors[1].post("/login/mastodon/anew", server=fields["server"])
    assert (told.status_code, told.json()["error"]["code"]) == (422, "just_registered")
    assert len(server.state()["apps"]) == 2


def test_one_person_presses_only_so_often(site: World, server: MastodonSandbox) -> None:
    """Ten times an hour, at whatever servers."""
    visitor = Visitor(site.site)
    visitor.sign_in("harriet")
    answers = [visitor.post("/login/mastodon/anew", server=f"s{n}.example") for n in range(11)]
    assert answers[-1].status_code == 429
    assert "Retry-After" in answers[-1].headers


def test_who_began_nothing_there_registers_nothing(site: World) -> None:
    """A stranger names a server: the form is shown with its name, and the server is not asked."""
    hostile = HostileMastodon()
    stranger = Visitor(site.site)
    try:
        page = stranger.submit("/login/mastodon/anew", server=hostile.host)
        assert page.status_code == 200
        assert hostile.host in page.text
        for network in ("x", "bluesky"):
            answer = stranger.submit(f"/login/{network}/anew", server=hostile.host)
            assert answer.status_code in (200, 400)
        bare = requests.post(
            f"{site.site}/login/mastodon/anew", data={"server": hostile.host}, timeout=20
        )
        assert bare.status_code == 400
        assert hostile.calls == []
    finally:
        hostile.close()


def test_a_server_that_is_away_can_be_tried_again(site: World, server: MastodonSandbox) -> None:
    """Nothing is registered, the way out stays, and it works once the server is back."""
    ida = Visitor(site.site)
    begin(ida, server.url)
    fields = way_out(ida.get("/login/mastodon").text)
    server.fault("status", operation="token", status=503)
    assert ida.submit("/login/mastodon/anew", **fields).status_code == 502
    fields = way_out(ida.get("/login/mastodon").text)
    ida.get(approve(sent_on(ida, "/login/mastodon/anew", **fields), "ida"))
    assert credentials_of(site, "ida", server)


@pytest.mark.parametrize(
    ("network", "typed", "status", "code", "field"),
    [
        ("mastodon", {"server": "not a server"}, 422, "bad_server", "server"),
        ("mastodon", {"server": "x" * 501}, 422, "too_long", "server"),
        ("mastodon", {}, 422, "bad_server", "server"),
        ("bluesky", {"identifier": "ana.test", "password": "no"}, 422, "bad_password", "password"),
        ("nowhere", {}, 404, "http_404", None),
    ],
)
def test_programs_are_told_in_json(
    site: World, network: str, typed: dict[str, str], status: int, code: str, field: str | None
) -> None:
    """What a form gets as a page, a program gets as any other refusal."""
    visitor = Visitor(site.site)
    answer = visitor.http.post(
        f"{site.site}/login/{network}",
        data=typed,
        headers={"X-CSRFToken": visitor.token(), "Accept": "application/json"},
        timeout=20,
    )
    told = answer.json()["error"]
    assert (answer.status_code, told["code"], told["field"]) == (status, code, field)
    assert told["message"].endswith(".")


def test_a_program_without_a_token_is_told_in_json(site: World) -> None:
    """It is refused as everywhere."""
    answer = requests.post(
        f"{site.site}/login/mastodon", headers={"Accept": "application/json"}, timeout=20
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "csrf")
