"""Whose word a server's answer is: codes that nobody was given, and answers of another server."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from werkzeug.routing import Map, Rule

from app.networks.base import Connection, Consent
from app.networks.errors import ConnectRefused, LookUpFailed
from app.networks.mastodon.auth import address_at
from app.networks.mastodon.client import Server
from app.networks.mastodon.network import Mastodon
from tests.support.mastodon import CALLBACK, MastodonSandbox, mastodon, publish, visit
from tests.support.mastodon_apps import AppsInMemory
from tests.support.scripted import LOST, ScriptedServer

APP = {"client_id": "id-1", "client_secret": "secret-1"}
NEW_APP = {"client_id": "id-2", "client_secret": "secret-2"}
NO_DOCUMENT = (404, {"error": "x"})
TOKEN = {"access_token": "t", "token_type": "Bearer", "scope": "read write", "created_at": 1}
ANOTHER_TOKEN = {**TOKEN, "access_token": "of-somebody"}
ME = {"id": "7", "username": "ana"}
INVALID_GRANT = (400, {"error": "invalid_grant"})
PAGE = (302, "")
REVOKED = (200, {})


@pytest.fixture
def client() -> Mastodon:
    """A client that has met no server yet."""
    return mastodon()


def begin(client: Mastodon, url: str, signing_in: bool = True) -> Consent:
    """Type a server's name."""
    consent = client.begin({"server": url}, CALLBACK, signing_in)
    assert isinstance(consent, Consent)
    return consent


def finish(client: Mastodon, consent: Consent, callback: dict[str, str]) -> Connection:
    """Come back from the consent page."""
    (connection,) = client.finish(consent.memory, callback, CALLBACK)
    return connection


def back(consent: Consent, **more: str) -> dict[str, str]:
    """Return what a server that was never visited could send to the callback."""
    return {"state": consent.memory["state"], "code": "invented", **more}


def with_app(scripted: ScriptedServer, **more: Any) -> tuple[Mastodon, AppsInMemory]:
    """Return a client that has an app at the server already."""
    apps = AppsInMemory()
    apps.made_once(scripted.url, f"{CALLBACK}/{scripted.url[7:]}", lambda: APP | more)
    return mastodon(MASTODON_APPS=apps), apps


# Codes


def test_an_honest_server_is_known_to_check(server: MastodonSandbox) -> None:
    """One app for all, and no token is left over from asking."""
    apps = AppsInMemory()
    client = mastodon(MASTODON_APPS=apps)
    for who in ("ana", "ben"):
        consent = begin(client, server.url)
        connection = finish(client, consent, visit(consent, handle=who))
        assert connection.profile.handle.startswith(f"{who}@")
        assert (connection.server_was_typed, connection.proves_nobody) == (True, False)
    assert apps.known(server.url).checks_codes is True
    assert server.state()["apps"] == ["Tweet Later"]


def test_nobody_gets_in_by_an_invented_code(server: MastodonSandbox, client: Mastodon) -> None:
    """Ana has the page open; a stranger begins, never visits it, and invents a code."""
    server.settings(checks_codes=False)
    anas, strangers = begin(client, server.url), begin(client, server.url)
    visit(anas, handle="ana")
    with pytest.raises(ConnectRefused, match="server_checks_nothing"):
        finish(client, strangers, back(strangers))
    with pytest.raises(ConnectRefused, match="server_checks_nothing"):
        finish(client, anas, back(anas))
    assert server.state()["calls"]["code"] == 2  # Ana's code went nowhere


def test_two_at_once_never_get_each_others_account(
    server: MastodonSandbox, client: Mastodon
) -> None:
    """Also those who add an account: the shared app is refused, the next try has its own."""
    server.settings(checks_codes=False)
    both = [begin(client, server.url, signing_in=False) for _ in range(2)]
    for consent, who in zip(both, ("ana", "ben"), strict=True):
        visit(consent, handle=who)
    for consent in both:
        with pytest.raises(ConnectRefused, match="start_again"):
            finish(client, consent, back(consent))
    again = [begin(client, server.url, signing_in=False) for _ in range(2)]
    answers = [visit(one, handle=who) for one, who in zip(again, ("ana", "ben"), strict=True)]
    for consent, answer, who in zip(again, answers, ("ana", "ben"), strict=True):
        connection = finish(client, consent, answer)
        assert connection.profile.handle.startswith(f"{who}@")
        assert (connection.server_was_typed, connection.proves_nobody) == (True, True)
        assert publish(client, connection.credentials).remote_id
        assert connection.credentials["client_secret"] not in str(consent)
    with pytest.raises(ConnectRefused, match="stale"):  # the app was for that one connection
        finish(client, again[0], answers[0])


def test_a_server_found_out_never_signs_in_again(server: MastodonSandbox, client: Mastodon) -> None:
    """Neither after it has learnt to check codes, nor by an app of one connection."""
    server.settings(checks_codes=False)
    consent = begin(client, server.url)
    with pytest.raises(ConnectRefused, match="server_checks_nothing"):
        finish(client, consent, visit(consent))
    server.settings(checks_codes=True)
    with pytest.raises(ConnectRefused, match="server_checks_nothing"):
        begin(client, server.url)
    added = begin(client, server.url, signing_in=False)
    assert finish(client, added, visit(added)).proves_nobody


def test_found_out_before_anybody_is_sent_there(
    server: MastodonSandbox, scripted: ScriptedServer
) -> None:
    """The next to begin are told at once, and the token that the question brought is revoked."""
    client, apps = with_app(scripted)
    scripted.answers = [NO_DOCUMENT, (200, ANOTHER_TOKEN), REVOKED, NO_DOCUMENT]
    with pytest.raises(ConnectRefused, match="server_checks_nothing"):
        begin(client, scripted.url)
    revoked = parse_qs(scripted.seen[2].body.decode())
    assert (scripted.seen[2].path, revoked["token"]) == ("/oauth/revoke", ["of-somebody"])
    assert apps.known(scripted.url).checks_codes is False
    with pytest.raises(ConnectRefused, match="server_checks_nothing"):
        begin(client, scripted.url)
    assert len(scripted.seen) == 4


@pytest.mark.parametrize("signing_in", [True, False])
@pytest.mark.parametrize(
    "given", [(200, ANOTHER_TOKEN), (201, ANOTHER_TOKEN), (400, ANOTHER_TOKEN)]
)
def test_found_out_beside_the_true_code(
    scripted: ScriptedServer, signing_in: bool, given: Any
) -> None:
    """Both tokens are revoked, and nobody is asked who it is."""
    scripted.answers = [
        *(NO_DOCUMENT, (200, APP), INVALID_GRANT, (200, TOKEN)),
        *(given, REVOKED, REVOKED),
    ]
    client = mastodon()
    consent = begin(client, scripted.url, signing_in)
    with pytest.raises(ConnectRefused) as refused:
        finish(client, consent, back(consent))
    assert refused.value.code == ("server_checks_nothing" if signing_in else "start_again")
    revoked = [parse_qs(seen.body.decode())["token"] for seen in scripted.seen[5:]]
    assert sorted(revoked) == [["of-somebody"], ["t"]]
    shown = [parse_qs(seen.body.decode())["code"][0] for seen in scripted.seen[2:5]]
    assert shown[1] == "invented"
    assert len(set(shown)) == 3


def test_a_server_that_gives_each_token_once(scripted: ScriptedServer) -> None:
    """What is asked after the true code would come too late: the token is gone by then."""
    scripted.answers = [NO_DOCUMENT, (200, APP), (200, ANOTHER_TOKEN), REVOKED, INVALID_GRANT]
    client = mastodon()
    consent = begin(client, scripted.url)
    with pytest.raises(ConnectRefused, match="server_checks_nothing"):
        finish(client, consent, back(consent))
    assert len(scripted.seen) == 4  # the true code was shown to nobody


def test_no_two_invented_codes_are_alike(scripted: ScriptedServer) -> None:
    """A server that knows ours would refuse just that one."""
    client, _apps = with_app(scripted)
    scripted.answers = [NO_DOCUMENT, INVALID_GRANT, PAGE] * 3
    for _ in range(3):
        begin(client, scripted.url)
    forms = [parse_qs(seen.body.decode()) for seen in scripted.seen if seen.method == "POST"]
    for name in ("code", "code_verifier"):
        assert len({form[name][0] for form in forms}) == 3
        assert all(len(form[name][0]) >= 43 for form in forms)


@pytest.mark.parametrize("answer", [LOST, (429, {"error": "x"}), (503, ""), (502, "<html>")])
def test_what_cannot_be_told_signs_nobody_in(scripted: ScriptedServer, answer: Any) -> None:
    """Unless the server refused an invented code before: then it was only busy."""
    client, apps = with_app(scripted)
    begun = [NO_DOCUMENT, INVALID_GRANT, PAGE]
    scripted.answers = [*begun, answer]
    consent = begin(client, scripted.url)
    with pytest.raises(LookUpFailed):
        finish(client, consent, back(consent))
    assert len(scripted.seen) == 4
    scripted.seen.clear()
    scripted.answers = [*begun, INVALID_GRANT, (200, TOKEN), answer, REVOKED]
    consent = begin(client, scripted.url)
    with pytest.raises(LookUpFailed):
        finish(client, consent, back(consent))
    assert scripted.seen[-1].path == "/oauth/revoke"
    apps.note_return(scripted.url, checks_codes=True)
    scripted.seen.clear()
    scripted.answers = [*begun, answer, (200, TOKEN), answer, (200, ME)]
    consent = begin(client, scripted.url)
    assert finish(client, consent, back(consent)).profile.remote_id == "7"


def test_a_server_that_asks_nobody_at_all(scripted: ScriptedServer) -> None:
    """An app with which nobody has signed in gets a token: no app of one's own helps there."""
    client, apps = with_app(scripted)
    apps.note_no_check(scripted.url)
    scripted.answers = [NO_DOCUMENT, (200, NEW_APP), (200, ANOTHER_TOKEN), REVOKED]
    with pytest.raises(ConnectRefused, match="server_asks_nobody"):
        begin(client, scripted.url, signing_in=False)
    assert scripted.seen[-1].path == "/oauth/revoke"


@pytest.mark.parametrize("answer", [(401, {"error": "x"}), (403, {"error": "x"}), (500, ""), LOST])
def test_no_token_is_left_when_a_sign_in_fails(scripted: ScriptedServer, answer: Any) -> None:
    """Whose it is cannot be told, so nobody keeps it."""
    scripted.answers = [
        *(NO_DOCUMENT, (200, APP), INVALID_GRANT, (200, TOKEN), INVALID_GRANT),
        *(answer, REVOKED),
    ]
    client = mastodon()
    consent = begin(client, scripted.url)
    with pytest.raises((ConnectRefused, LookUpFailed)):
        finish(client, consent, back(consent))
    assert scripted.seen[-1].path == "/oauth/revoke"
    assert parse_qs(scripted.seen[-1].body.decode())["token"] == ["t"]


# Answers of another server


@pytest.mark.parametrize("issuer", ["none", "own"])
def test_a_server_that_names_itself(server: MastodonSandbox, client: Mastodon, issuer: str) -> None:
    """With a slash at the end or without one, or not at all."""
    server.settings(issuer=issuer)
    consent = begin(client, server.url)
    answer = visit(consent)
    assert ("iss" in answer) == (issuer == "own")
    assert finish(client, consent, answer).profile.server == server.url[7:]


@pytest.mark.parametrize("decision", ["approve", "refuse"])
def test_an_answer_of_another_server(
    server: MastodonSandbox, client: Mastodon, decision: str
) -> None:
    """Its code is sent nowhere, and its no is not this server's."""
    server.settings(issuer="wrong")
    consent = begin(client, server.url)
    with pytest.raises(ConnectRefused, match="another_server"):
        finish(client, consent, visit(consent, decision=decision))
    assert "code" not in server.state()["calls"]


@pytest.mark.parametrize(
    "named",
    [
        "",
        "HERE.evil.example",
        "HEREx",
        "HERE/other",
        "HERE@evil.example",
        "https://evil.example",
        "https://evil.example/?HERE",
        "//HERE",
        "HERE//",
    ],
)
def test_names_that_only_look_like_it(scripted: ScriptedServer, named: str) -> None:
    """A name is the whole of it."""
    client, _apps = with_app(scripted)
    scripted.answers = [NO_DOCUMENT, INVALID_GRANT, PAGE]
    consent = begin(client, scripted.url)
    with pytest.raises(ConnectRefused, match="another_server"):
        finish(client, consent, back(consent, iss=named.replace("HERE", scripted.url)))
    assert len(scripted.seen) == 3


@pytest.mark.parametrize(
    ("issuer", "taken"),
    [
        ("HERE/oauth", True),
        ("https://evil.example", False),
        ("HERE.evil.example", False),
        ("HERE@evil.example/", False),
        ("HERE/" + "x" * 300, False),
        (["HERE"], False),
    ],
)
def test_the_name_in_its_own_description(
    scripted: ScriptedServer, issuer: Any, taken: bool
) -> None:
    """Counts if it is of that server; a hostile one cannot pass for somebody else."""
    if isinstance(issuer, str):
        issuer = issuer.replace("HERE", scripted.url)
    client, _apps = with_app(scripted)
    document = (200, {"issuer": issuer})
    scripted.answers = [
        *(document, INVALID_GRANT, PAGE),
        *(INVALID_GRANT, (200, TOKEN), INVALID_GRANT, (200, ME)),
    ]
    consent = begin(client, scripted.url)
    assert len(str(consent.memory)) < 1000
    answer = back(consent, iss=issuer if isinstance(issuer, str) else "https://evil.example")
    if taken:
        assert finish(client, consent, answer).profile.remote_id == "7"
        return
    with pytest.raises(ConnectRefused, match="another_server"):
        finish(client, consent, answer)
    assert len(scripted.seen) == 3


def test_a_server_that_promised_to_name_itself(scripted: ScriptedServer) -> None:
    """An answer without its name is not its own (RFC 9207, section 2.4)."""
    client, _apps = with_app(scripted)
    document = {"authorization_response_iss_parameter_supported": True}
    scripted.answers = [(200, document), INVALID_GRANT, PAGE]
    consent = begin(client, scripted.url)
    with pytest.raises(ConnectRefused, match="another_server"):
        finish(client, consent, back(consent))
    assert len(scripted.seen) == 3


def test_a_state_is_bound_to_its_address(scripted: ScriptedServer) -> None:
    """What began with the address that all servers shared, or with another's, is over."""
    client, _apps = with_app(scripted)
    scripted.answers = [NO_DOCUMENT, INVALID_GRANT, PAGE]
    consent = begin(client, scripted.url)
    for host in (None, "", "evil.example"):
        memory = {**consent.memory, "host": host}
        with pytest.raises(ConnectRefused, match="stale"):
            client.finish(memory, back(consent), CALLBACK)
    assert len(scripted.seen) == 3


@pytest.mark.parametrize(
    "url",
    [
        "https://example.social",
        "https://example.social:8443",
        "https://xn--strae-oqa.example",
        "http://127.0.0.1:8091",
        "http://[::1]:8091",
    ],
)
def test_the_address_of_a_server(url: str) -> None:
    """A path segment that reads back as the very host, in letters that any server takes."""
    server = Server(url, 5, public_only=False)
    address = address_at(server, CALLBACK)
    assert not set("[]") & set(address)
    routes = Map([Rule("/login/mastodon/callback/<host>", endpoint="callback")]).bind("x")
    path = unquote(urlsplit(address).path)  # as WSGI hands it on
    assert routes.match(path) == ("callback", {"host": server.host})


# Apps that a server no longer knows


@pytest.mark.parametrize(
    "no",
    [
        (401, ""),
        (401, {"error": "invalid_client"}),
        (400, {"error": "unauthorized_client"}),
        (403, "<html>"),
        (404, {"error": "Record not found"}),
        (422, {"error": "x"}),
    ],
)
def test_any_no_to_the_app_registers_a_new_one(scripted: ScriptedServer, no: Any) -> None:
    """Whatever its body says; and once: what a known app is told too is no no to the app."""
    client, _apps = with_app(scripted)
    anew = [(200, NEW_APP), no, PAGE]
    scripted.answers = [NO_DOCUMENT, no, *anew, NO_DOCUMENT, no, PAGE, NO_DOCUMENT, no, PAGE]
    for _ in range(3):
        assert "client_id=id-2&" in begin(client, scripted.url).url
    assert [seen.path for seen in scripted.seen].count("/api/v1/apps") == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_consent_page_that_refuses_the_app(scripted: ScriptedServer, status: int) -> None:
    """People would end there; the token's end may say nothing of the app."""
    client, _apps = with_app(scripted)
    page = (status, "<html>")
    anew = [(200, NEW_APP), INVALID_GRANT, page]
    scripted.answers = [NO_DOCUMENT, INVALID_GRANT, page, *anew, NO_DOCUMENT, INVALID_GRANT, page]
    for _ in range(2):
        assert "client_id=id-2&" in begin(client, scripted.url).url
    assert len(scripted.seen) == 9


@pytest.mark.parametrize(
    "answer",
    [INVALID_GRANT, (401, {"error": "invalid_grant"}), (400, {"error": "invalid_request"})],
)
@pytest.mark.parametrize("page", [PAGE, (200, "<html>"), (500, ""), LOST])
def test_an_honest_no_to_the_code_keeps_the_app(
    scripted: ScriptedServer, answer: Any, page: Any
) -> None:
    """An honest server has one app, however many sign in."""
    client, _apps = with_app(scripted)
    scripted.answers = [NO_DOCUMENT, answer, page]
    assert "client_id=id-1&" in begin(client, scripted.url).url
    assert len(scripted.seen) == 3


def test_an_app_that_ended_with_a_token(server: MastodonSandbox, client: Mastodon) -> None:
    """After disconnecting, the next person at that server gets in at the first try."""
    server.settings(apps_end=True)
    consent = begin(client, server.url)
    client.revoke(finish(client, consent, visit(consent)).credentials)
    again = begin(client, server.url)
    assert finish(client, again, visit(again, handle="ben")).profile.handle.startswith("ben@")
    assert server.state()["apps"] == ["Tweet Later"]
    assert client.begin({"server": server.url}, CALLBACK)


def test_an_app_that_ended_on_the_way(server: MastodonSandbox, client: Mastodon) -> None:
    """The person is asked to start again, and then it is a new one."""
    consent = begin(client, server.url)
    answer = visit(consent)
    server.settings(apps_end=True)
    server.control("revoke", what="apps")
    with pytest.raises(ConnectRefused, match="stale"):
        finish(client, consent, answer)
    again = begin(client, server.url)
    assert finish(client, again, visit(again))
