"""Whom push services may ask about our messages: whatever APP_URL is, they get an answer."""

from __future__ import annotations

import base64

import pytest
from py_vapid import Vapid02

import config
from app.push.vapid import contact

ENVIRON = {
    "APP_ENV": "production",
    "SECRET_KEY": "s" * 32,
    "TOKEN_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
    "DATABASE_URL": "postgresql://user@host/name",
    "REDIS_URL": "rediss://host:6379",
}
NAMED = [
    ("https://tweets.example", "https://tweets.example"),
    ("https://tweets.example/", "https://tweets.example"),
    ("HTTPS://Tweets.Example", "https://tweets.example"),
    ("https://tweets.example:8443", "https://tweets.example"),
    ("https://tweets.example/later", "https://tweets.example"),
    ("https://tweets.example:8443/later/on?x=1#y", "https://tweets.example"),
    ("http://tweets.example:8000", "https://tweets.example"),
    ("https://a_b.c-d.example", "https://a_b.c-d.example"),
    ("https://bücher.example", "https://xn--bcher-kva.example"),
    ("https://198.41.0.4:8443", "https://198.41.0.4"),
]
NAMELESS = [
    *("https://intranet", "https://intranet:8443/later", "http://localhost", "http://localhost:1"),
    *("http://127.0.0.1:8000", "http://127.0.0.1", "https://10.1.2.3", "https://1.2.3"),
    *("http://[::1]:8000", "https://[2606:4700::1]", "https://[2606:4700::1]:8443/later"),
    *("https://[64:ff9b::8.8.8.8]", "https://.tweets.example", "https://a.-b", "https://a_b"),
]
SENDERS = [
    ("ops@mail.example", "mailto:ops@mail.example"),
    ("Tweet Later <ops+x@mail.example>", "mailto:ops+x@mail.example"),
    ("Ürsula <ü@Bücher.example>", "mailto:%C3%BC@xn--bcher-kva.example"),
    ("a/b?c#d@mail.example", "mailto:a%2Fb%3Fc%23d@mail.example"),
    ("ops@intranet", "https://localhost"),
    ("ops@127.0.0.1", "https://localhost"),
]


def claimed(**environ: str) -> str:
    """Return the contact of an installation, which the library that signs must take."""
    loaded = config.load({**ENVIRON, **environ})
    sub = contact(loaded["APP_URL"], loaded["MAIL_FROM"])
    key = Vapid02()
    key.generate_keys()
    assert key.sign({"aud": "https://push.example", "sub": sub, "exp": 1})
    assert sub.isascii()
    return sub


@pytest.mark.parametrize(("url", "sub"), NAMED)
def test_a_site_with_a_name(url: str, sub: str) -> None:
    """It is its own contact, without port and path, whoever sends its mails."""
    assert claimed(APP_URL=url) == claimed(APP_URL=url, MAIL_FROM="ops@mail.example") == sub


@pytest.mark.parametrize("url", NAMELESS)
def test_a_site_without_a_name(url: str) -> None:
    """Whoever sends its mails is asked, if anybody."""
    assert claimed(APP_URL=url, MAIL_FROM="ops@mail.example") == "mailto:ops@mail.example"
    assert claimed(APP_URL=url, MAIL_FROM="ops@localhost") == "https://localhost"


@pytest.mark.parametrize("url", ["https://intranet", "http://127.0.0.1:8000"])
def test_the_usual_sender(url: str) -> None:
    """It is named after the site, so without a name it is nobody."""
    assert claimed(APP_URL=url) == "https://localhost"


@pytest.mark.parametrize(("sender", "sub"), SENDERS)
def test_senders(sender: str, sub: str) -> None:
    """Only the address is told, as an URI, and only if mail reaches it from anywhere."""
    assert claimed(APP_URL="https://intranet", MAIL_FROM=sender) == sub


def test_no_site_at_all() -> None:
    """In development there is none."""
    assert contact(None, "Tweet Later <no-reply@127.0.0.1>") == "https://localhost"
