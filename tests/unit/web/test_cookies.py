"""A cookie that was read before is not checked again, and still ends when it should."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app.web.sessions import COOKIES, Sessions


@pytest.fixture
def app() -> Flask:
    """Return an app that has nothing but a key."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="k" * 32, SECRET_KEY_FALLBACKS=[])
    return app


def signed(app: Flask, said: dict[str, object]) -> str:
    """Return a cookie that says this."""
    serializer = Sessions().get_signing_serializer(app)
    assert serializer is not None
    cookie = serializer.dumps(said)
    return cookie if isinstance(cookie, str) else cookie.decode()


def test_what_is_read_is_the_readers_own(app: Flask) -> None:
    """What one request changes, another does not see, whether it is flat or not."""
    for said in ({"key": "a"}, {"key": "a", "_flashes": [["message", "Done"]]}):
        sessions, cookie = Sessions(), signed(app, said)
        first = sessions.read(app, cookie)
        first["key"] = "b"
        for value in first.values():
            if isinstance(value, list):
                value.clear()
        assert sessions.read(app, cookie)["key"] == "a"
        assert len(sessions.read(app, cookie).get("_flashes", [0])) == 1


def test_others_are_not_believed(app: Flask) -> None:
    """Neither a changed one, nor one of another key, nor one of a key that is no longer ours."""
    sessions, cookie = Sessions(), signed(app, {"key": "a"})
    assert sessions.read(app, cookie) == {"key": "a"}
    assert sessions.read(app, cookie[:-2]) == {}
    assert sessions.read(app, None) == sessions.read(app, "") == {}
    app.config["SECRET_KEY"] = "n" * 32
    assert sessions.read(app, cookie) == {}
    app.config["SECRET_KEY_FALLBACKS"] = ["k" * 32]
    assert sessions.read(app, cookie) == {"key": "a"}


def test_it_ends_though_it_is_known(app: Flask) -> None:
    """Its age is looked at each time."""
    sessions, cookie = Sessions(), signed(app, {"key": "a"})
    assert sessions.read(app, cookie)
    app.permanent_session_lifetime = timedelta(seconds=-5)
    assert sessions.read(app, cookie) == {}


def test_many_take_little_memory(app: Flask) -> None:
    """Whoever makes many cookies makes others be checked again, and no more."""
    sessions = Sessions()
    for number in range(COOKIES + 10):
        assert sessions.read(app, signed(app, {"key": str(number)})) == {"key": str(number)}
    assert len(sessions._known) <= COOKIES
