"""Servers that people type: one spelling for each, and none in a private network."""

from __future__ import annotations

import socket
import time

import pytest

import config
from app.networks import http
from app.networks.http.addresses import NotPublic, is_public, public_https_url
from app.networks.oauth import is_loopback
from tests.support.scripted import ScriptedServer

PUBLIC = ["198.41.0.4"]


def public(_host: str, _port: int) -> list[str]:
    """Every name has a public address."""
    return PUBLIC


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("mastodon.social", "https://mastodon.social"),
        ("Mastodon.Social", "https://mastodon.social"),
        ("  mastodon.social.\n", "https://mastodon.social"),
        ("https://mastodon.social/", "https://mastodon.social"),
        ("HTTPS://mastodon.social/@ana?x#y", "https://mastodon.social"),
        ("http://mastodon.social", "https://mastodon.social"),
        ("mastodon.social/@ana", "https://mastodon.social"),
        ("@ana@mastodon.social", "https://mastodon.social"),
        ("ana@mastodon.social", "https://mastodon.social"),
        ("\u2068@ana@mastodon.social\u2069", "https://mastodon.social"),
        ("mastodon.social:443", "https://mastodon.social"),
        ("mastodon.social:8443", "https://mastodon.social:8443"),
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("ｍastodon．social", "https://mastodon.social"),
        ("a-b.c1.example", "https://a-b.c1.example"),
        ("faß.example", "https://xn--fa-hia.example"),
        ("FASS.example", "https://fass.example"),
        ("日本。example", "https://xn--wgv71a.example"),
    ],
)
def test_spellings(typed: str, url: str) -> None:
    """However it was typed or pasted, it is one server."""
    assert public_https_url(typed, allow_private=False, resolve=public) == url


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "@", "@ana@", "https://", "https:///x", "mastodon", "localhost", ".social"),
        *("mastodon..social", "-a.example", "a_b.example", "a b.example", "a.example:0"),
        *("a.example:65536", "a.example:x", "a.example:", "ftp://a.example", "javascript:alert(1)"),
        *("https://a.example@b.example", "https://ana:pw@b.example", "a.example%00.b.example"),
        *(
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0x7f000001",
            "0177.0.0.1",
            "１２７.１",
        ),
        *("8.8.8.8", "[::1]", "[::ffff:127.0.0.1]", "[2606:4700::1]", "::1", "http://[::1]:80/"),
        *("\ufdfa.example", "\ufdfa" * 80_000, "a" * 240_000, "\u00ad.example", "a\ud800.example"),
        *("a.example\r\nHost: b", "é" * 70 + ".example", "a." * 130 + "example", "a.example1.2"),
    ],
)
def test_what_is_no_server(typed: str) -> None:
    """Nothing but a name with a dot; no address, however it is written."""
    with pytest.raises(ValueError, match=r"."):
        public_https_url(typed, allow_private=False, resolve=public)


PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("0.0.0.0", "0.1.2.3", "100.64.0.1", "100.100.100.200", "169.254.169.254", "192.0.0.192"),
    *(
        "192.0.2.1",
        "192.88.99.1",
        "3fff::1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
    ),
    *("240.0.0.1", "255.255.255.255", "168.63.129.16", "::", "::1", "::ffff:10.0.0.1"),
    *("::ffff:8.8.8.8", "::7f00:1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1"),
    *("fd00:ec2::254", "ff02::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::"),
    *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::1", "100::1", "not an address", ""),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    """None of them is public, and one among a name's addresses is enough to refuse the name."""
    assert not is_public(address)
    with pytest.raises(NotPublic):
        public_https_url("a.example", False, resolve=lambda *_: [*PUBLIC, address])


@pytest.mark.parametrize(
    "typed",
    [
        *("127.0.0.1", "https://127.0.0.1:8443/x", "10.1.2.3", "169.254.169.254", "0", "127.1"),
        *("[::1]", "[fd00::1]:8443", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0177.0.0.1"),
        *("localhost", "LOCALHOST.", "https://localhost:1/", "app.localhost", "router.local"),
        *("@ana@router.local", "metadata.google.internal", "nas.home.arpa", "１２７.１"),
    ],
)
def test_hosts_of_private_networks(typed: str) -> None:
    """They are told from what is no server at all; their names are not even looked up."""
    with pytest.raises(NotPublic):
        public_https_url(typed, allow_private=False, resolve=public)


@pytest.mark.parametrize(
    "typed",
    [
        *("8.8.8.8", "134744072", "[2606:4700::1]", "intranet", "1.2.3.4.5", "[::g]", ""),
        *("127.0.0.1:0", "127.0.0.1:99999", "notlocal", "127.0.0.1\0", "local.example1.2"),
    ],
)
def test_hosts_of_no_private_network(typed: str) -> None:
    """What cannot be used for another reason is not called private."""
    with pytest.raises(ValueError, match=r".") as told:
        public_https_url(typed, allow_private=False, resolve=public)
    assert not isinstance(told.value, NotPublic)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "198.41.0.4", "2606:4700::6810:1", "64:ff9b::808:808"]
)
def test_public_addresses(address: str) -> None:
    """Also those that a gateway to the old internet makes up."""
    assert is_public(address)


def test_names_that_do_not_exist() -> None:
    """No address at all is no server."""
    with pytest.raises(ValueError, match="no server"):
        public_https_url("nobody.invalid", allow_private=False)
    with pytest.raises(ValueError, match="public"):
        public_https_url("a.example", allow_private=False, resolve=lambda *_: [])


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("127.0.0.1:8091", "http://127.0.0.1:8091"),
        ("http://localhost:8091/@ana", "http://localhost:8091"),
        ("@ana@127.0.0.1:8091", "http://127.0.0.1:8091"),
        ("[::1]:8091", "http://[::1]:8091"),
        ("https://localhost:8443", "https://localhost:8443"),
        ("http://10.0.0.4", "https://10.0.0.4"),
        ("mastodon.social", "https://mastodon.social"),
        ("intranet", "https://intranet"),
        ("my_server.lan:8443", "https://my_server.lan:8443"),
    ],
)
def test_when_private_servers_are_allowed(typed: str, url: str) -> None:
    """Plain http is for this machine only."""
    assert public_https_url(typed, allow_private=True) == url


@pytest.mark.parametrize(
    "typed",
    [
        *("", ".", "..", "a..b", "-a.example", "a-", "\ufe0f", "\ufe0f.example", "a" * 64),
        *("a." * 130 + "example", "127.1", "2130706433", "0x7f.1", "1.2.3.4.5", "[::g]"),
    ],
)
def test_what_is_no_server_anywhere(typed: str) -> None:
    """Also where private servers are allowed, it is refused before anything is asked."""
    with pytest.raises(ValueError, match=r"."):
        public_https_url(typed, allow_private=True)


# What is connected to


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_private_server_hears_nothing(scripted: ScriptedServer, host: str) -> None:
    """Whatever the name was when it was checked, the connection itself decides."""
    scripted.answers = [(200, {}), (200, {})]
    url = scripted.url.replace("127.0.0.1", host)
    with pytest.raises(http.PrivateAddress):
        http.call("POST", url, timeout=2, public_only=True, json={"secret": 1})
    assert scripted.seen == []
    assert http.call("GET", url, timeout=2).status == 200


def test_a_kept_connection_is_no_way_around(scripted: ScriptedServer) -> None:
    """A connection that another call opened is looked at, too."""
    scripted.answers = [(200, {}), (200, {})]
    assert http.call("GET", scripted.url, timeout=2).status == 200
    with pytest.raises(http.NotSent):
        http.call("GET", scripted.url, timeout=2, public_only=True)
    assert len(scripted.seen) == 1


def test_nobody_knocks_at_a_private_door() -> None:
    """A name that leads there is not even connected to: whether a port is open is not told."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.setblocking(False)
        with pytest.raises(http.PrivateAddress):
            http.call(
                "GET", f"http://localhost:{door.getsockname()[1]}", timeout=2, public_only=True
            )
        with pytest.raises(BlockingIOError):
            door.accept()


@pytest.mark.parametrize(
    ("url", "is_this_machine"),
    [
        ("http://localhost:8090", True),
        ("http://app.localhost", True),
        ("http://127.0.0.1:1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]/", True),
        ("http://127.0.0.1.example.com", False),
        ("http://127.example.com", False),
        ("http://localhost.example.com", False),
        ("http://localhost@example.com", False),
        ("http://evillocalhost", False),
        ("http://0.0.0.0", False),
    ],
)
def test_names_that_only_begin_like_this_machine(url: str, is_this_machine: bool) -> None:
    """Plain http is for this machine alone, and a name of somebody's is not it."""
    assert is_loopback(url) is is_this_machine
    assert config.is_loopback(url) is is_this_machine


@pytest.mark.parametrize("letter", ["\ufdfa", "a", ".", "é", "@", "/", "\u0301", "xn--é."])
def test_long_words_are_cheap(letter: str) -> None:
    """However much is typed, it is measured before anything dear is done with it."""
    began = time.process_time()
    for _ in range(20):
        with pytest.raises(ValueError, match=r"."):
            public_https_url(letter * 240_000, allow_private=False, resolve=public)
        with pytest.raises(ValueError, match=r"."):
            public_https_url(letter * 250, allow_private=False, resolve=public)
    assert time.process_time() - began < 5
