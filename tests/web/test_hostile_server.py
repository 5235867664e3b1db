"""A hostile Mastodon server, and one that checks nothing, against the running product."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
import requests

from app.accounts.server_apps import has_answered
from app.models import Account, User
from tests.conftest import MakeWorld
from tests.support.hostile_mastodon import BOMBS, SIGN_IN, HostileMastodon
from tests.support.mastodon import MastodonSandbox
from tests.support.visitor import Visitor
from tests.support.world import World

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(make_lasting_world: MakeWorld) -> World:
    """The web on SQLite, which counts nobody's sign-ins: all visitors here share an address."""
    world = make_lasting_world(RATE_LIMIT_SIGN_IN="100000 per minute")
    world.site = world.start_web()
    return world


@pytest.fixture
def ana(site: World) -> Visitor:
    """Ana, signed in."""
    visitor = Visitor(site.site)
    visitor.sign_in("ana")
    return visitor


@pytest.fixture
def hostile() -> Iterator[HostileMastodon]:
    """A server of somebody who wants into other people's accounts."""
    server = HostileMastodon()
    yield server
    server.close()


@pytest.fixture
def honest() -> Iterator[MastodonSandbox]:
    """A server that does what it should; nobody has named it yet."""
    server = MastodonSandbox()
    yield server
    server.close()


def begin(visitor: Visitor, url: str) -> requests.Response:
    """Name a server and press the button; return the first answer, which may send on."""
    form = {"csrf_token": visitor.token(), "server": url}
    address = f"{visitor.site}/login/mastodon"
    return visitor.http.post(address, data=form, allow_redirects=False, timeout=30)


def approve(consent: str, handle: str) -> str:
    """Approve on the sandbox's consent page; return the way back to the callback."""
    form = {"handle": handle, "decision": "approve"}
    answer = requests.post(consent, data=form, allow_redirects=False, timeout=20)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def changed(address: str, **query: str) -> str:
    """Return an address with other values in its query."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **query})))


def owners(world: World) -> dict[str, int]:
    """Return who owns each connected account."""
    with world.rows():
        accounts = Account.query.filter_by(connected=True)
        return {account.handle: account.user_id for account in accounts}


def users(world: World) -> int:
    """Return how many people there are."""
    with world.rows():
        return int(User.query.count())


def is_signed_in(visitor: Visitor) -> bool:
    """Whether the start page is somebody's own."""
    return visitor.get("/accounts", allow_redirects=False).status_code == 200


# Adding an account to somebody else's user


def test_a_link_begins_nothing(site: World, ana: Visitor, hostile: HostileMastodon) -> None:
    """Ana follows a link: the server is not asked, and she sees a form with its name in it."""
    before = owners(site)
    page = ana.get(f"/login/mastodon?server={hostile.host}")
    assert page.status_code == 200
    assert hostile.host in page.text
    assert hostile.calls == []
    assert owners(site) == before


def test_nothing_is_added_before_its_owner_says_so(
    site: World, ana: Visitor, hostile: HostileMastodon
) -> None:
    """Ana is talked into naming the server; it sends her straight back, and she is asked."""
    before = owners(site)
    page = ana.get(begin(ana, hostile.url).headers["Location"])
    assert page.url.endswith("/accounts/confirm")
    assert hostile.host in page.text
    assert owners(site) == before
    ana.submit("/accounts/confirm", refuse="1")
    assert owners(site) == before


def test_a_server_cannot_say_who_somebody_is_elsewhere(
    site: World, hostile: HostileMastodon, honest: MastodonSandbox
) -> None:
    """It names the very id, handle and address of Ana's account at an honest server."""
    ana = Visitor(site.site)
    ana.get(approve(begin(ana, honest.url).headers["Location"], "ana"))
    handle = f"ana@{honest.url[7:]}"
    (person,) = [p for p in honest.state()["people"] if p["handle"] == "ana"]
    hers = owners(site)[handle]
    hostile.identity = {
        "id": person["id"],
        "username": "ana",
        "acct": handle,
        "url": f"{honest.url}/@ana",
        "uri": f"{honest.url}/users/ana",
    }
    mallory = Visitor(site.site)
    mallory.get(begin(mallory, hostile.url).headers["Location"])
    assert owners(site)[handle] == hers
    assert owners(site).get(f"ana@{hostile.host}") != hers


@pytest.mark.parametrize(
    "username", ["ana@mastodon.social", "ana/../..", "", " ", ["ana"], "a b", "a\nb", "ana?", "<b>"]
)
def test_names_that_nobody_has(site: World, hostile: HostileMastodon, username: Any) -> None:
    """A name that would look like somebody else's signs nobody in."""
    hostile.identity = {"id": "667", "username": username}
    before, mallory = owners(site), Visitor(site.site)
    page = mallory.get(begin(mallory, hostile.url).headers["Location"])
    assert page.status_code == 502
    assert not is_signed_in(mallory)
    assert owners(site) == before
    assert hostile.revoked == ["hostile-token-1"]


# Codes of other servers


def forwarding(consent: str, challenge: str) -> Any:
    """Return what sends a browser on to an honest consent page, with the state that was asked."""
    return lambda asked: changed(consent, state=asked["state"], code_challenge=challenge)


def test_a_code_reaches_no_other_server(
    site: World, hostile: HostileMastodon, honest: MastodonSandbox
) -> None:
    """The hostile server sends Ana on to her own server's page, with its own state and an app and
    a challenge that the attacker chose: her code comes back under that state, and goes nowhere.
    """
    mallory, ana, before = Visitor(site.site), Visitor(site.site), users(site)
    consent = begin(mallory, honest.url).headers["Location"]  # tells which app we are there
    hostile.forwards_to = forwarding(consent, "mallorys-challenge")
    there = ana.get(begin(ana, hostile.url).headers["Location"])
    assert there.url.startswith(f"{honest.url}/oauth/authorize")
    back = approve(there.url, "ana")
    assert urlsplit(back).path == f"/login/mastodon/callback/{honest.url[7:]}"
    assert ana.get(back).status_code == 400
    assert hostile.codes == []
    assert "code" not in honest.state()["calls"]
    assert not is_signed_in(ana)
    assert users(site) == before


def test_an_honest_server_sends_nobody_to_anothers_address(
    site: World, hostile: HostileMastodon, honest: MastodonSandbox
) -> None:
    """Our app there knows one address alone."""
    mallory = Visitor(site.site)
    consent = begin(mallory, honest.url).headers["Location"]
    begin(mallory, hostile.url)
    for address in (
        f"{site.site}/login/mastodon/callback/{hostile.host}",
        f"{site.site}/login/mastodon/callback",
        f"{site.site}/login/mastodon/callback/{honest.url[7:]}/",
    ):
        assert requests.get(changed(consent, redirect_uri=address), timeout=10).status_code == 400


@pytest.mark.parametrize("where", ["", "/HOST.evil.example", "/evil.example", "/HOST%2F", "/host"])
def test_a_state_is_good_at_its_own_address_alone(
    site: World, hostile: HostileMastodon, where: str
) -> None:
    """Neither at the address that all servers once shared nor at one that only looks like it."""
    mallory = Visitor(site.site)
    asked = dict(parse_qsl(urlsplit(begin(mallory, hostile.url).headers["Location"]).query))
    path = f"/login/mastodon/callback{where.replace('HOST', hostile.host)}"
    page = mallory.get(f"{path}?{urlencode({'state': asked['state'], 'code': 'good'})}")
    assert page.status_code in (400, 404)
    assert hostile.codes == []
    assert not is_signed_in(mallory)


def test_an_answer_that_names_another_server(
    site: World, hostile: HostileMastodon, honest: MastodonSandbox
) -> None:
    """It says itself that it is not of the server that was named: the code goes nowhere."""
    ana = Visitor(site.site)
    asked = dict(parse_qsl(urlsplit(begin(ana, hostile.url).headers["Location"]).query))
    page = ana.get(hostile.back(asked, code="good", iss=f"{honest.url}/"))
    assert page.status_code == 400
    assert "a different server" in page.text
    assert hostile.codes == []
    assert not is_signed_in(ana)


# Servers that check no codes


def test_nobody_is_let_in_by_an_invented_code(site: World, honest: MastodonSandbox) -> None:
    """Three requests: begin, never visit the server, invent a code. Ana has just been there."""
    honest.settings(checks_codes=False)
    ana, mallory, before = Visitor(site.site), Visitor(site.site), users(site)
    anas = begin(ana, honest.url).headers["Location"]
    mallorys = begin(mallory, honest.url).headers["Location"]
    back = approve(anas, "ana")
    asked = dict(parse_qsl(urlsplit(mallorys).query))
    page = mallory.get(
        f"{asked['redirect_uri']}?{urlencode({'state': asked['state'], 'code': 'invented'})}"
    )
    assert page.status_code == 400
    assert "gives access to anybody" in page.text
    assert ana.get(back).status_code == 400
    assert not is_signed_in(mallory)
    assert not is_signed_in(ana)
    assert users(site) == before
    refused = begin(ana, honest.url)
    assert refused.status_code == 422
    assert "gives access to anybody" in refused.text


def test_such_a_server_is_left_with_no_token(site: World, hostile: HostileMastodon) -> None:
    """Every token that it gave is revoked, and the server is never asked to sign in again."""
    hostile.gives = None
    mallory = Visitor(site.site)
    page = mallory.get(begin(mallory, hostile.url).headers["Location"])
    assert page.status_code == 400
    assert hostile.revoked == ["hostile-token-1"]
    assert "good" not in hostile.codes
    assert SIGN_IN["account"] not in hostile.calls
    hostile.gives = {"good"}
    assert begin(Visitor(site.site), hostile.url).status_code == 422
    with site.rows():
        assert not has_answered(hostile.host)


def test_an_account_there_publishes_and_opens_no_door(site: World, honest: MastodonSandbox) -> None:
    """Ana and Ben add theirs at the same time: each has an app of its own, and gets their own."""
    honest.settings(checks_codes=False)
    people = {name: Visitor(site.site) for name in ("anika", "benno")}
    for name, person in people.items():
        person.sign_in(name)
        consent = begin(person, honest.url).headers["Location"]
        person.get(approve(consent, name))  # found out: the shared app connects nobody
    consents = {name: begin(p, honest.url).headers["Location"] for name, p in people.items()}
    backs = {name: approve(consent, name) for name, consent in consents.items()}
    for name, person in people.items():
        person.get(backs[name])
        person.submit("/accounts/confirm")
    who = owners(site)
    for name in people:
        assert who[f"{name}@{honest.url[7:]}"] == who[name]
    with site.rows():
        for account in Account.query.filter_by(server=honest.url[7:]):
            assert not account.signs_in
    assert begin(Visitor(site.site), honest.url).status_code == 422


# Answers that are no answers


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("call", list(SIGN_IN))
def test_bombs_hurt_nobody(site: World, hostile: HostileMastodon, call: str, zipped: bool) -> None:
    """Whatever comes in the place of an answer, somebody gets a page that says so, soon; and
    nobody gets in who would not have without it.
    """
    hostile.zipped = zipped
    for bomb in sorted(set(BOMBS) - {"slow"}):
        hostile.bombs = {call: bomb}
        mallory = Visitor(site.site)
        answer = begin(mallory, hostile.url)
        if answer.status_code == 302:
            answer = mallory.get(answer.headers["Location"])
        assert answer.elapsed.total_seconds() < 8
        if call in ("description", "software", "limits"):  # a server may do without
            assert answer.status_code in (200, 502), (bomb, answer.status_code)
        else:
            assert answer.status_code in (400, 422, 502), (bomb, answer.status_code)
            assert not is_signed_in(mallory)
    assert Visitor(site.site).get("/").elapsed.total_seconds() < 3


@pytest.mark.parametrize("call", ["registration", "token"])
def test_a_slow_answer_is_given_up(site: World, hostile: HostileMastodon, call: str) -> None:
    """A byte now and then holds nobody up for long, and pages least of all."""
    hostile.bombs = {call: "slow"}
    mallory = Visitor(site.site)
    answer = begin(mallory, hostile.url)
    if answer.status_code == 302:
        answer = mallory.get(answer.headers["Location"])
    assert answer.status_code == 502
    assert answer.elapsed.total_seconds() < 10
    assert not is_signed_in(mallory)
