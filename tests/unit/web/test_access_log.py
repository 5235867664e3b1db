"""The access log has no link of a mail that somebody could use."""

from __future__ import annotations

import pytest

from app.server.wsgi import _for_log

SITE = "https://tweets.example"


@pytest.mark.parametrize(
    ("asked", "logged"),
    [
        ("/sign-up/secret", "/sign-up/..."),
        ("//sign-up//secret", "//sign-up/..."),
        ("/Email/confirm/secret", "/Email/confirm/..."),
        ("/email//confirm/secret/", "/email//confirm/..."),
        ("/unsubscribe/secret", "/unsubscribe/..."),
        ("/./sign-up/secret", "/./sign-up/..."),
        ("/x/../sign-up/secret", "/x/../sign-up/..."),
        ("/email/./confirm/secret", "/email/./confirm/..."),
        ("/calendar/secret.ics", "/calendar/..."),
        ("/tweets/7", "/tweets/7"),
        ("/sign-up", "/sign-up"),
    ],
)
def test_links_are_left_out(asked: str, logged: str) -> None:
    """Whatever a program makes of the slashes, and also as the page that led to another one."""
    told = _for_log({"PATH_INFO": asked, "RAW_URI": asked, "HTTP_REFERER": SITE + asked})
    assert told["PATH_INFO"] == told["RAW_URI"] == logged
    assert told["HTTP_REFERER"] == SITE + logged
