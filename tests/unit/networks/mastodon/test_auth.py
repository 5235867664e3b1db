"""Signing in at a server that says what the test wrote down: registration, codes, software."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.networks.base import Consent
from app.networks.errors import ConnectRefused, LookUpFailed
from app.networks.mastodon.auth import SCOPES
from app.networks.mastodon.network import Mastodon
from tests.support.mastodon import CALLBACK, mastodon
from tests.support.mastodon_apps import AppsInMemory
from tests.support.scripted import ScriptedServer
from tests.support.waiting import free_port

APP = {"client_id": "id-1", "client_secret": "secret-1"}
NO_DOCUMENT = (404, {"error": "x"})
TOKEN = {"access_token": "t", "token_type": "Bearer", "scope": "read write", "created_at": 1}
ME = {"id": "7", "username": "ana", "display_name": "Ana", "avatar": ""}
NO_NODE_INFO = (404, "")
ALIVE = (400, {"error": "invalid_grant"})


def begun(client: Mastodon, scripted: ScriptedServer) -> Consent:
    """Begin with the server's name."""
    consent = client.begin({"server": scripted.url}, CALLBACK)
    assert isinstance(consent, Consent)
    return consent


def finish(client: Mastodon, consent: Consent, **callback: str) -> Any:
    """Come back from the consent page."""
    answer = {"state": consent.memory["state"], "code": "c", **callback}
    return client.finish(consent.memory, answer, CALLBACK)


def test_what_is_registered_and_asked(scripted: ScriptedServer) -> None:
    """Only what is needed; what the browser keeps is small and holds no secret of the app."""
    scripted.answers = [(200, {"code_challenge_methods_supported": ["S256"]}), (200, APP)]
    consent = begun(mastodon(APP_URL="https://later.example"), scripted)
    document, register = scripted.seen
    assert register.path == "/api/v1/apps"
    assert parse_qs(register.body.decode()) == {
        "client_name": ["Tweet Later"],
        "redirect_uris": [f"{CALLBACK}/{scripted.url[7:]}"],
        "scopes": [f"{' '.join(SCOPES)} read:favourites read:follows"],
        "website": ["https://later.example"],
    }
    assert document.path == "/.well-known/oauth-authorization-server"
    asked = parse_qs(urlsplit(consent.url).query)
    assert consent.url.startswith(f"{scripted.url}/oauth/authorize?")
    assert asked["client_id"] == ["id-1"]
    assert asked["scope"] == [" ".join(SCOPES)]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{CALLBACK}/{scripted.url[7:]}"]
    kept = {"state", "server", "host", "signing_in", "verifier", "client"}
    assert set(consent.memory) == kept
    assert "id-1" not in consent.memory["client"]
    assert consent.memory["host"] == scripted.url[7:]
    assert len(str(consent.memory)) < 1000
    assert consent.memory["verifier"] not in consent.url


@pytest.mark.parametrize(
    "document",
    [
        (404, {"error": "x"}),
        (200, "<html>"),
        (200, []),
        (200, [1]),
        (200, {"code_challenge_methods_supported": ["plain"]}),
        (200, {"code_challenge_methods_supported": "S256"}),
        (500, {"code_challenge_methods_supported": None}),
        (302, ""),
    ],
)
def test_servers_that_offer_no_challenge(scripted: ScriptedServer, document: Any) -> None:
    """It is left out; endpoints are always the server's own."""
    scripted.answers = [document, (200, APP)]
    assert "code_challenge" not in begun(mastodon(), scripted).url


@pytest.mark.parametrize(
    "typed", ["", "mastodon", "ftp://a.example", "https://ana@a.example", "nobody.invalid"]
)
def test_what_is_no_server(typed: str) -> None:
    """It is said before anything is called."""
    with pytest.raises(ConnectRefused) as refused:
        mastodon(ALLOW_PRIVATE_SERVERS=False).begin({"server": typed}, CALLBACK)
    assert refused.value.code == "bad_server"
    for odd in ({}, {"server": "a\0b"}, {"server": "\x7f.example"}, {"server": "\ud800.example"}):
        with pytest.raises(ConnectRefused, match="bad_server"):
            mastodon().begin(odd, CALLBACK)


def test_a_private_server(scripted: ScriptedServer) -> None:
    """A name that led elsewhere when it was checked is refused when it is connected to."""
    memory = {"state": "s", "server": scripted.url, "host": scripted.url[7:]}
    apps = AppsInMemory()
    apps.made_once(scripted.url, f"{CALLBACK}/{scripted.url[7:]}", lambda: APP)
    client = mastodon(ALLOW_PRIVATE_SERVERS=False, MASTODON_APPS=apps)
    with pytest.raises(ConnectRefused) as refused:
        client.finish(memory, {"state": "s", "code": "c"}, CALLBACK)
    assert refused.value.code == "bad_server"
    assert scripted.seen == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((404, {"error": "x"}), "no_mastodon"),
        ((404, "<html>"), "no_mastodon"),
        ((405, ""), "no_mastodon"),
        ((200, "<html>"), "no_mastodon"),
        ((301, ""), "no_mastodon"),
        ((302, ""), "no_mastodon"),
        ((410, ""), "no_mastodon"),
        ((501, "<html>"), "no_mastodon"),
        ((403, "<html>"), "no_mastodon"),
        ((403, {"error": "x"}), "refused"),
        ((422, {"error": "x"}), "refused"),
        ((200, {}), "refused"),
        ((200, {"client_id": "", "client_secret": 5}), "refused"),
        ((429, {"error": "x"}), "too_often"),
    ],
)
def test_servers_that_register_nobody(scripted: ScriptedServer, answer: Any, code: str) -> None:
    """No Mastodon, or one that does not want us."""
    scripted.answers = [NO_DOCUMENT, answer, answer]
    with pytest.raises(ConnectRefused) as refused:
        begun(mastodon(), scripted)
    assert refused.value.code == code


@pytest.mark.parametrize("answer", [(500, {"error": "x"}), (502, "<html>"), (503, "")])
def test_servers_that_are_down(scripted: ScriptedServer, answer: Any) -> None:
    """They may be back in a minute."""
    scripted.answers = [NO_DOCUMENT, answer]
    with pytest.raises(LookUpFailed):
        begun(mastodon(), scripted)
    with pytest.raises(LookUpFailed):
        mastodon().begin({"server": f"127.0.0.1:{free_port()}"}, CALLBACK)


def test_the_app_of_another_process_is_used(scripted: ScriptedServer) -> None:
    """When two registered at the same moment, the one that was kept first wins."""

    class Contested(AppsInMemory):
        def get(self, server: str, redirect_uri: str) -> dict[str, Any] | None:
            found = super().get(server, redirect_uri)
            another = {**APP, "client_id": "id-of-another"}
            if found is None:
                self._apps[server, redirect_uri] = another
            return found

    scripted.answers = [NO_DOCUMENT]
    consent = begun(mastodon(MASTODON_APPS=Contested()), scripted)
    assert "client_id=id-of-another&" in consent.url


def test_an_app_that_is_known(scripted: ScriptedServer) -> None:
    """The server is asked whether it still knows the app, in a way that leaves nothing behind."""
    scripted.answers = [NO_DOCUMENT, (200, APP), NO_DOCUMENT, ALIVE, (302, "")]
    client = mastodon()
    assert "client_id=id-1&" in begun(client, scripted).url
    assert "client_id=id-1&" in begun(client, scripted).url
    probe = parse_qs(scripted.seen[3].body.decode())
    assert (scripted.seen[3].path, probe["grant_type"]) == ("/oauth/token", ["authorization_code"])
    assert scripted.seen[4].path.startswith("/oauth/authorize?")
    assert len(scripted.seen) == 5


def test_another_address_is_another_app(scripted: ScriptedServer) -> None:
    """An app is registered with the address that people come back to."""
    scripted.answers = [NO_DOCUMENT, (200, APP), NO_DOCUMENT, (200, {**APP, "client_id": "id-2"})]
    client = mastodon()
    begun(client, scripted)
    second = client.begin({"server": scripted.url}, "https://later.example/callback")
    assert isinstance(second, Consent)
    assert "client_id=id-2&" in second.url


@pytest.mark.parametrize(
    ("links", "software"),
    [
        ([NO_NODE_INFO], ""),
        ([(200, "<html>")], ""),
        ([(200, {"links": []}), (200, {"software": {"name": "Mastodon"}})], "mastodon"),
        ([(200, {"links": [{"href": "HERE/n"}]}), (200, {"software": {"name": "x"}})], "x"),
        ([(200, {"links": [{"href": "HERE/n"}]}), (200, {"software": ["mastodon"]})], ""),
        ([(200, {"links": [{"href": "HERE/n"}]}), (500, {})], ""),
        ([(200, {"links": [{}]})], ""),
    ],
)
def test_what_runs_there(scripted: ScriptedServer, links: Any, software: str) -> None:
    """What does not say clearly that it is Mastodon is taken for something else."""
    here = [(status, _with_address(data, scripted.url)) for status, data in links]
    scripted.answers = [NO_DOCUMENT, (200, APP), ALIVE, (200, TOKEN), ALIVE, (200, ME), *here]
    client = mastodon()
    (connection,) = finish(client, begun(client, scripted))
    assert connection.credentials["software"] == software
    assert connection.credentials["server_url"] == scripted.url


def test_another_servers_word_is_not_asked(scripted: ScriptedServer) -> None:
    """A link to somewhere else is not followed."""
    links = (200, {"links": [{"href": "http://169.254.169.254/latest"}]})
    scripted.answers = [
        NO_DOCUMENT,
        (200, APP),
        ALIVE,
        (200, TOKEN),
        ALIVE,
        (200, ME),
        links,
        (404, ""),
    ]
    client = mastodon()
    (connection,) = finish(client, begun(client, scripted))
    assert scripted.seen[7].path == "/nodeinfo/2.0"
    assert connection.credentials["software"] == ""


@pytest.mark.parametrize(
    ("answers", "characters"),
    [
        ([(200, {"configuration": {"statuses": {"max_characters": 5000}}})], 5000),
        ([(404, ""), (200, {"max_toot_chars": 11_000})], 11_000),
        ([(500, "")], None),
        ([(401, {"error": "x"})], None),
    ],
)
def test_what_fits_is_asked_on_the_way(
    scripted: ScriptedServer, answers: Any, characters: int | None
) -> None:
    """Somebody whose server takes more may write more at once; silence is no obstacle."""
    scripted.answers = [
        NO_DOCUMENT,
        (200, APP),
        ALIVE,
        (200, TOKEN),
        ALIVE,
        (200, ME),
        NO_NODE_INFO,
        *answers,
    ]
    client = mastodon()
    (connection,) = finish(client, begun(client, scripted))
    assert (connection.limits.characters if connection.limits else None) == characters


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((400, {"error": "invalid_grant", "error_description": "x"}), "stale"),
        ((401, {"error": "invalid_client"}), "stale"),
        ((400, {"error": "invalid_scope"}), "refused"),
        ((403, {"error": "access_denied"}), "refused"),
        ((200, {**TOKEN, "scope": "read"}), "scope_missing"),
        ((200, {**TOKEN, "scope": "read write:statuses"}), "scope_missing"),
    ],
)
def test_codes_that_are_refused(scripted: ScriptedServer, answer: Any, code: str) -> None:
    """Start again, or something is wrong for good."""
    scripted.answers = [NO_DOCUMENT, (200, APP), ALIVE, answer, ALIVE]
    client = mastodon()
    with pytest.raises(ConnectRefused) as refused:
        finish(client, begun(client, scripted))
    assert refused.value.code == code


@pytest.mark.parametrize(
    "answer", [(500, {"error": "x"}), (200, "<html>"), (200, {"access_token": 5}), (302, "")]
)
def test_codes_without_an_answer(scripted: ScriptedServer, answer: Any) -> None:
    """No word of what came is told: it might be a token."""
    scripted.answers = [NO_DOCUMENT, (200, APP), ALIVE, answer, ALIVE]
    client = mastodon()
    with pytest.raises(LookUpFailed, match="HTTP"):
        finish(client, begun(client, scripted))


@pytest.mark.parametrize(
    ("callback", "code"),
    [
        ({"state": "another"}, "stale"),
        ({"state": ""}, "stale"),
        ({"error": "access_denied"}, "denied"),
        ({"error": "invalid_scope"}, "refused"),
        ({"code": ""}, "refused"),
    ],
)
def test_callbacks(scripted: ScriptedServer, callback: dict[str, str], code: str) -> None:
    """What the browser brings is looked at before the server is asked."""
    scripted.answers = [NO_DOCUMENT, (200, APP)]
    client = mastodon()
    consent = begun(client, scripted)
    with pytest.raises(ConnectRefused) as refused:
        finish(client, consent, **callback)
    assert refused.value.code == code
    assert len(scripted.seen) == 2


def _with_address(data: Any, url: str) -> Any:
    if isinstance(data, dict) and "links" in data:
        return {"links": [{k: v.replace("HERE", url) for k, v in e.items()} for e in data["links"]]}
    return data
