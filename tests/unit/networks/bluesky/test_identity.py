"""Whose account it is, and which server gets the password: only what all say of each other."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.networks.base import Connection
from app.networks.bluesky.network import Bluesky
from app.networks.errors import ConnectRefused, LookUpFailed
from sandbox.bluesky import did_of
from tests.support.bluesky import BlueskySandbox, bluesky_at, session
from tests.support.scripted import ScriptedServer

PASSWORD = "sandbox-password"
ANA, BEN = did_of("ana.test"), did_of("ben.test")


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[BlueskySandbox, BlueskySandbox]]:
    """The entryway, which is the directory as well, and a server that somebody runs."""
    with closing(BlueskySandbox()) as entryway, closing(BlueskySandbox()) as other:
        yield entryway, other


@pytest.fixture
def entryway(servers: tuple[BlueskySandbox, BlueskySandbox]) -> BlueskySandbox:
    """Where people sign in, as if it had just been started."""
    servers[0].control("reset")
    return servers[0]


@pytest.fixture
def home(servers: tuple[BlueskySandbox, BlueskySandbox]) -> BlueskySandbox:
    """A server of somebody's own, as if it had just been started."""
    servers[1].control("reset")
    return servers[1]


@pytest.fixture
def bluesky(entryway: BlueskySandbox) -> Bluesky:
    """The client."""
    return bluesky_at(entryway.url)


def document(did: str, server: str, *handles: str, **changes: Any) -> dict[str, Any]:
    """Return what a directory keeps of an account."""
    names = [f"at://{handle}" for handle in handles]
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": server}
    return {"id": did, "alsoKnownAs": names, "service": [service], **changes}


def begin(bluesky: Bluesky, identifier: str = "ana.test", server: str = "") -> Connection:
    """Sign in."""
    typed = {"identifier": identifier, "password": PASSWORD, "server": server}
    (connection,) = bluesky.begin(typed, "")
    return connection


def refusal(bluesky: Bluesky, identifier: str = "ana.test", server: str = "") -> str:
    """Sign in in vain; return why."""
    with pytest.raises(ConnectRefused) as refused:
        begin(bluesky, identifier, server)
    return refused.value.code


def sign_ins(sandbox: BlueskySandbox) -> int:
    """Return how often a server was given a password."""
    return int(sandbox.state()["calls"].get("code", 0))


# The account's own server


@pytest.mark.parametrize("typed", ["", "{}", "{}/", " {}/xrpc/x?y "])
def test_a_server_of_ones_own(
    entryway: BlueskySandbox, home: BlueskySandbox, bluesky: Bluesky, typed: str
) -> None:
    """It is found by handle, DID and document, whether it was typed or not; it alone is told."""
    entryway.settings(documents={ANA: document(ANA, home.url, "ana.test")})
    connection = begin(bluesky, server=typed.format(home.url))
    assert (connection.profile.remote_id, connection.profile.handle) == (ANA, "ana.test")
    assert connection.credentials["pds_url"] == home.url
    assert connection.server_was_typed
    assert (sign_ins(entryway), sign_ins(home)) == (0, 1)
    assert bluesky.who_am_i(connection.credentials).remote_id == ANA


def test_a_did_of_a_server_of_ones_own(
    entryway: BlueskySandbox, home: BlueskySandbox, bluesky: Bluesky
) -> None:
    """A DID needs no handle to be found; the handle is shown when it leads back to it."""
    entryway.settings(documents={ANA: document(ANA, home.url, "ana.test")})
    home.control("tokens", handle="ana")  # she is known there
    assert begin(bluesky, ANA).profile.handle == "ana.test"
    entryway.settings(handles={"ana.test": None})
    assert begin(bluesky, ANA).profile.handle == ANA
    entryway.settings(handles={"ana.test": BEN})
    assert refusal(bluesky, ANA) == "bad_identity"


@pytest.mark.parametrize("typed", ["", "{}"])
def test_accounts_of_the_entryway_go_on(
    entryway: BlueskySandbox, bluesky: Bluesky, typed: str
) -> None:
    """Typing the entryway itself is typing nothing."""
    connection = begin(bluesky, server=typed.format(entryway.url))
    assert connection.credentials["pds_url"] == entryway.url
    assert not connection.server_was_typed


def test_an_account_that_has_moved_away(
    entryway: BlueskySandbox, home: BlueskySandbox, bluesky: Bluesky
) -> None:
    """The entryway is not told the password of an account that it does not keep any more."""
    entryway.settings(documents={ANA: document(ANA, "http://127.0.0.1:1", "ana.test")})
    with pytest.raises(LookUpFailed):
        begin(bluesky)
    assert sign_ins(entryway) == 0


@pytest.mark.parametrize(
    ("server", "is_hosted"),
    [
        ("https://bsky.social", True),
        ("https://morel.us-east.host.bsky.network", True),
        ("http://morel.us-east.host.bsky.network", False),
        ("https://host.bsky.network.evil.example", False),
        ("https://evilhost.bsky.network", False),
        ("https://bsky.social.evil.example", False),
        ("https://pds.example.com", False),
        ("", False),
    ],
)
def test_servers_that_blueskys_entryway_signs_in_for(server: str, is_hosted: bool) -> None:
    """The password of an account of theirs goes to the entryway."""
    assert bluesky_at("https://bsky.social")._directory.is_entryways(server) == is_hosted


# Liars


def test_a_server_that_names_somebody_else(
    entryway: BlueskySandbox, scripted: ScriptedServer, bluesky: Bluesky
) -> None:
    """Its own account leads to it, but it answers with another one's DID: nobody is let in."""
    evil = "did:plc:evil2evil2evil2evil2evil"
    entryway.settings(
        handles={"evil.test": evil}, documents={evil: document(evil, scripted.url, "evil.test")}
    )
    for claim in (ANA, BEN, f"{evil}2"):
        scripted.answers = [*scripted.answers, (200, session(did=claim, handle="ana.test"))]
        assert refusal(bluesky, "evil.test") == "bad_identity"
        scripted.answers = [*scripted.answers, (200, session(did=claim, handle="evil.test"))]
        assert refusal(bluesky, evil) == "bad_identity"
    assert sign_ins(entryway) == 0


def test_a_typed_server_gets_nothing_of_an_account_that_it_does_not_keep(
    entryway: BlueskySandbox, home: BlueskySandbox, scripted: ScriptedServer, bluesky: Bluesky
) -> None:
    """Whatever it would say: it is not asked."""
    assert refusal(bluesky, server=scripted.url) == "other_server"
    assert refusal(bluesky, ANA, server=scripted.url) == "other_server"
    entryway.settings(documents={ANA: document(ANA, home.url, "ana.test")})
    assert refusal(bluesky, server=scripted.url) == "other_server"
    assert refusal(bluesky, server=entryway.url) == "other_server"
    assert refusal(bluesky, "nobody.test", scripted.url) == "unknown_handle"
    assert refusal(bluesky, "ana@mail.example", scripted.url) == "unknown_handle"
    entryway.settings(documents={ANA: None})
    with pytest.raises(LookUpFailed):
        begin(bluesky, server=scripted.url)
    assert (scripted.seen, sign_ins(entryway), sign_ins(home)) == ([], 0, 0)


@pytest.mark.parametrize(
    "handles", [(), ("ben.test",), ("ana.test.evil.example",), ("xana.test",), ("at://ana.test",)]
)
def test_a_document_that_does_not_name_the_handle(
    entryway: BlueskySandbox, scripted: ScriptedServer, bluesky: Bluesky, handles: tuple[str, ...]
) -> None:
    """A handle may be pointed at anybody; whose it is says the document."""
    entryway.settings(documents={ANA: document(ANA, scripted.url, *handles)})
    assert refusal(bluesky) == "bad_identity"
    assert (scripted.seen, sign_ins(entryway)) == ([], 0)


def test_a_handle_that_leads_to_somebody_else(entryway: BlueskySandbox, bluesky: Bluesky) -> None:
    """Ben does not become Ana by what a name server says."""
    entryway.settings(handles={"ana.test": BEN})
    assert refusal(bluesky) == "bad_identity"
    assert sign_ins(entryway) == 0


@pytest.mark.parametrize("claim", [BEN, "", None, 5, f"{ANA} "])
def test_a_document_of_somebody_else(
    entryway: BlueskySandbox, scripted: ScriptedServer, bluesky: Bluesky, claim: Any
) -> None:
    """A directory that answers with another document than the one asked for is wrong."""
    entryway.settings(documents={ANA: document(ANA, scripted.url, "ana.test", id=claim)})
    assert refusal(bluesky) == "bad_identity"
    assert (scripted.seen, sign_ins(entryway)) == ([], 0)


def test_a_handle_that_its_server_made_up(
    entryway: BlueskySandbox, scripted: ScriptedServer, bluesky: Bluesky
) -> None:
    """Its document may name any handle; ours shows those alone that lead back."""
    evil = "did:plc:evil2evil2evil2evil2evil"
    entryway.settings(documents={evil: document(evil, scripted.url, "ana.test", "evil.invalid")})
    scripted.answers = [(200, session(did=evil, handle="ana.test"))]
    assert refusal(bluesky, evil) == "bad_identity"
    scripted.answers = [*scripted.answers, (200, session(did=evil, handle="ben.test"))]
    assert refusal(bluesky, evil) == "bad_identity"
    entryway.settings(handles={"evil.invalid": None})
    scripted.answers = [*scripted.answers, (200, session(did=evil, handle="evil.invalid"))]
    assert begin(bluesky, evil).profile.handle == evil


# Addresses


@pytest.mark.parametrize(
    "server",
    ["http://127.0.0.1:{port}", "https://127.0.0.1:{port}", "https://localhost:{port}",
     "https://169.254.169.254", "https://10.0.0.8", "https://[::1]:{port}", "https://2130706433",
     "https://0x7f.1", "https://" + "a" * 400, "https://" + "\ufdfa" * 90,
     "ftp://pds.example.com", "https://ana@127.0.0.1", "", None, 5, ["x"]],
)  # fmt: skip
def test_no_document_leads_into_a_private_network(
    entryway: BlueskySandbox, scripted: ScriptedServer, server: Any
) -> None:
    """A DID document is its owner's to write, and so is what stands in the form."""
    bluesky = bluesky_at(entryway.url, ALLOW_PRIVATE_SERVERS=False)
    port = urlsplit(scripted.url).port
    named = server.format(port=port) if isinstance(server, str) else server
    entryway.settings(documents={ANA: document(ANA, named, "ana.test")})
    assert refusal(bluesky) == "bad_server"
    if isinstance(named, str) and named:
        assert refusal(bluesky, server=named) == "bad_server"
    assert (scripted.seen, sign_ins(entryway)) == ([], 0)


@pytest.mark.parametrize(
    "did", ["did:web:127.0.0.1%3A{port}", "did:web:localhost%3A{port}", "did:web:2130706433"]
)
def test_no_did_leads_into_a_private_network(
    entryway: BlueskySandbox, scripted: ScriptedServer, did: str
) -> None:
    """The name of an account may be the name of a host."""
    bluesky = bluesky_at(entryway.url, ALLOW_PRIVATE_SERVERS=False)
    named = did.format(port=urlsplit(scripted.url).port)
    assert refusal(bluesky, named) == "bad_server"
    entryway.settings(handles={"ana.test": named})
    assert refusal(bluesky) == "bad_server"
    assert (scripted.seen, sign_ins(entryway)) == ([], 0)


def test_an_account_named_after_its_host(
    entryway: BlueskySandbox, scripted: ScriptedServer, bluesky: Bluesky
) -> None:
    """did:web is the name of a host, its port as %3A; the document lies there."""
    did = f"did:web:127.0.0.1%3A{urlsplit(scripted.url).port}"
    entryway.settings(handles={"web.test": did})
    scripted.answers = [
        (200, document(did, scripted.url, "web.test")),
        (200, session(did=did, handle="web.test")),
        (200, {"did": did, "handle": "web.test", "displayName": "Web"}),
    ]
    connection = begin(bluesky, "web.test")
    assert [seen.path for seen in scripted.seen[:2]] == [
        "/.well-known/did.json",
        "/xrpc/com.atproto.server.createSession",
    ]
    assert json.loads(scripted.seen[1].body)["password"] == PASSWORD
    assert (connection.profile.remote_id, connection.credentials["did"]) == (did, did)


@pytest.mark.parametrize(
    "did",
    [
        "did:web:example.com:path",
        "did:web:example.com%2Fpath",
        "did:web:ana%40example.com",
        "did:key:z6Mk",
        "did:plc:%2e%2e%2fcontrol",
    ],
)
def test_other_dids_are_nobodys(entryway: BlueskySandbox, bluesky: Bluesky, did: str) -> None:
    """The protocol knows two kinds; a DID is no way to another address of the directory."""
    entryway.settings(handles={"ana.test": did})
    assert refusal(bluesky) in {"unknown_handle", "bad_identity"}


# Silence


@contextmanager
def silent() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_directory_that_is_silent(entryway: BlueskySandbox, scripted: ScriptedServer) -> None:
    """Nobody says where the account is: the entryway is asked, and nobody who was typed."""
    with silent() as nowhere:
        bluesky = bluesky_at(entryway.url, PLC_URL=nowhere, SEND_TIMEOUT=0.3)
        begun = time.monotonic()
        assert begin(bluesky).credentials["pds_url"] == entryway.url
        with pytest.raises(LookUpFailed):
            begin(bluesky, server=scripted.url)
        assert time.monotonic() - begun < 3
    assert scripted.seen == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_directory_that_knows_no_such_account(entryway: BlueskySandbox, status: int) -> None:
    """A definite no of the real directory is one; of an entryway that is none it is not."""
    directory = ScriptedServer()
    directory.answers = [(status, {"message": "DID not registered"})]
    bluesky = bluesky_at(entryway.url, PLC_URL=directory.url)
    assert refusal(bluesky) == "unknown_handle"
    directory.close()
    assert sign_ins(entryway) == 0
    entryway.settings(documents={ANA: None})
    assert begin(bluesky_at(entryway.url)).credentials["did"] == ANA


def test_all_of_it_is_over_in_time(entryway: BlueskySandbox, bluesky: Bluesky) -> None:
    """A server of somebody's own that is silent holds nobody up for long."""
    with silent() as nowhere:
        entryway.settings(documents={ANA: document(ANA, nowhere, "ana.test")})
        begun = time.monotonic()
        with pytest.raises(LookUpFailed):
            begin(bluesky_at(entryway.url, SEND_TIMEOUT=0.5))
        assert time.monotonic() - begun < 2
