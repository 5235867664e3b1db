"""Signing in by a domain whose accounts live on a server of another name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.networks.base import Consent
from app.networks.errors import ConnectRefused
from app.networks.mastodon.client import Server
from app.networks.mastodon.delegation import homes_of
from app.networks.mastodon.servers import Servers
from tests.support.mastodon import CALLBACK, MastodonSandbox, mastodon
from tests.support.mastodon_apps import AppsInMemory
from tests.support.scripted import ScriptedServer, Seen

HOST_META = """<?xml version="1.0" encoding="UTF-8"?>
<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">
  <Link rel="lrdd" type="application/xrd+xml" template="{}/.well-known/webfinger?resource={{uri}}"/>
</XRD>"""
BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<XRD><Link rel="lrdd" template="{}/&b;"/></XRD>"""
OUTSIDE = """<!DOCTYPE x SYSTEM "file:///etc/passwd"><XRD><Link rel="lrdd" template="{}/"/></XRD>"""


@pytest.fixture(scope="module")
def home() -> Iterator[MastodonSandbox]:
    """The server where the accounts live."""
    sandbox = MastodonSandbox()
    yield sandbox
    sandbox.close()


def playing(domain: ScriptedServer, answers: dict[str, tuple[int, Any]]) -> None:
    """Let the domain answer these paths, and 404 for all others, like a site of static pages."""
    domain.play = lambda seen: answers.get(seen.path.partition("?")[0], (404, "<html>"))


def paths(domain: ScriptedServer) -> list[str]:
    """Return what the domain was asked."""
    return [seen.path for seen in domain.seen]


@pytest.mark.parametrize("way", ["xml", "json", "json beside it"])
def test_host_meta_leads_to_the_server(
    scripted: ScriptedServer, home: MastodonSandbox, way: str
) -> None:
    """The consent page, the callback address, the app and the memory are the final server's."""
    link = {"rel": "lrdd", "template": f"{home.url}/.well-known/webfinger?resource={{uri}}"}
    document: Any = HOST_META.format(home.url) if way == "xml" else {"links": [link]}
    path = "/.well-known/host-meta" + (".json" if way == "json beside it" else "")
    playing(scripted, {path: (200, document)})
    consent = mastodon().begin({"server": scripted.url}, CALLBACK)
    assert isinstance(consent, Consent)
    assert consent.url.startswith(f"{home.url}/oauth/authorize?")
    assert (consent.memory["server"], consent.memory["host"]) == (home.url, home.url[7:])
    assert parse_qs(urlsplit(consent.url).query)["redirect_uri"] == [f"{CALLBACK}/{home.url[7:]}"]


def test_webfinger_leads_to_the_server_of_an_account(
    scripted: ScriptedServer, home: MastodonSandbox
) -> None:
    """Who typed a whole handle is asked for by it; profile pages elsewhere say nothing."""
    links = [
        {"rel": "http://webfinger.net/rel/profile-page", "href": "https://elsewhere.example/ana"},
        {"rel": "self", "type": "application/activity+json", "href": f"{home.url}/users/ana"},
        {"rel": "http://ostatus.org/schema/1.0/subscribe", "template": f"{home.url}/x?uri={{uri}}"},
    ]
    playing(scripted, {"/.well-known/webfinger": (200, {"subject": "x", "links": links})})
    typed = f"@ana@{scripted.url[7:]}"
    consent = mastodon().begin({"server": typed}, CALLBACK)
    assert isinstance(consent, Consent)
    assert consent.memory["server"] == home.url
    assert f"/.well-known/webfinger?resource=acct:ana@{scripted.url[7:]}" in paths(scripted)


def test_a_mastodon_is_asked_nothing_of_that(
    scripted: ScriptedServer, home: MastodonSandbox
) -> None:
    """Where the typed name itself speaks Mastodon's API, it is the one, whatever it says."""
    app = {"client_id": "id-1", "client_secret": "secret-1"}
    document = HOST_META.format(home.url)
    playing(scripted, {"/api/v1/apps": (200, app), "/.well-known/host-meta": (200, document)})
    consent = mastodon().begin({"server": scripted.url}, CALLBACK)
    assert isinstance(consent, Consent)
    assert consent.memory["server"] == scripted.url
    assert "/.well-known/host-meta" not in paths(scripted)


@pytest.mark.parametrize(
    "document",
    [
        BOMB,
        OUTSIDE,
        "<XRD><Link rel='lrdd' template='{}/'",
        "<XRD><Link rel='other' template='{}/'/></XRD>",
        "<XRD><Link rel='lrdd' template='ftp://x.example/'/></XRD>",
        "<XRD><Link rel='lrdd' template='http://[::1'/></XRD>",
        "<XRD>" + " " * 100_001 + "<Link rel='lrdd' template='{}/'/></XRD>",
        "<html>",
        "",
        {"links": [{"rel": "lrdd", "template": 5}, {"rel": ["lrdd"]}, "x", None]},
        {"links": "x"},
        [1],
    ],
)
def test_documents_that_name_none(
    scripted: ScriptedServer, home: MastodonSandbox, document: Any
) -> None:
    """Nothing in them is expanded or fetched; the sentence says that the server did answer."""
    said = document.replace("{}", home.url) if isinstance(document, str) else document
    playing(scripted, {"/.well-known/host-meta": (200, said)})
    with pytest.raises(ConnectRefused) as refused:
        mastodon().begin({"server": scripted.url}, CALLBACK)
    assert refused.value.code == "no_mastodon"


def test_one_hop_only(scripted: ScriptedServer) -> None:
    """A server that is named and is none either is not asked where to go on."""
    second = ScriptedServer()
    try:
        playing(scripted, {"/.well-known/host-meta": (200, HOST_META.format(second.url))})
        playing(second, {"/.well-known/host-meta": (200, HOST_META.format(scripted.url))})
        with pytest.raises(ConnectRefused, match="no_mastodon"):
            mastodon().begin({"server": scripted.url}, CALLBACK)
        assert "/.well-known/host-meta" not in paths(second)
        assert paths(scripted).count("/api/v1/apps") == 1
    finally:
        second.close()


def test_a_silent_domain_ends_in_time(scripted: ScriptedServer) -> None:
    """It answers the first calls and then nothing: the questions have a deadline of their own."""

    def play(seen: Seen) -> tuple[int, Any]:
        if "host-meta" in seen.path:
            time.sleep(1)
        return 404, "<html>"

    scripted.play = play
    server = Server(scripted.url, 5.0, public_only=False).within(0.5)
    began = time.monotonic()
    assert list(homes_of(server, scripted.url)) == []
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("named", ["http://127.0.0.1:1", "https://10.0.0.1", "http://localhost"])
def test_private_servers_are_not_asked(scripted: ScriptedServer, named: str) -> None:
    """What a domain names is checked like what somebody types: public, and by a name."""
    playing(scripted, {"/.well-known/host-meta": (200, HOST_META.format(named))})
    servers = Servers("", AppsInMemory(), timeout=5.0, allow_private=False)
    server = Server(scripted.url, 5.0, public_only=False)
    assert list(homes_of(server, "x.example")) == [named]
    assert servers.home_of(server, "x.example") is None
