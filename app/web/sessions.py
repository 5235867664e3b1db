"""The signed cookie that says who asks, and the row that it stands for.

The cookie carries a random key; the row that knows the key is the session. Whoever copies the
cookie has nothing once the row is gone.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Flask, Request, Response, current_app, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import AnonymousUserMixin, current_user
from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.http import parse_cookie

from app import broker
from app.accounts import Visit, sessions
from app.db import db, rollback_quietly, utcnow
from app.models import Account, SessionHere, User, UserSession, hash_of
from app.web import assets, browsers

log = logging.getLogger(__name__)

KEY = "key"
BROWSER = "tweet_later_browser"
BROWSER_LIFE = 2 * 365 * 86_400
"""Seconds for which a browser is known again."""
POLLED = {"status", "health"}
"""What a page that was left open goes on asking: nobody needs to be there for that."""
POLLED_ALONE = {"operations.numbers", "notices.unread"}
"""The same, of blueprints that people use otherwise."""
READING = {"GET", "HEAD", "OPTIONS"}
STORES = "tweets.create"
"""The endpoint that needs the accounts of whoever asks, each time."""
MAX_PEOPLE = 20
"""People whom one browser is remembered to have signed in."""
COOKIES, LONGEST_COOKIE = 1_000, 1_000
"""Cookies whose signatures a process need not check again, and their characters."""


class Sessions(SecureCookieSessionInterface):
    """Extends a session when it is noted that it is in use, to a few minutes, and not more often:
    signing a cookie takes as long as a query. The polling of a page that was left open is no use.
    """

    digest_method = staticmethod(hashlib.sha1)  # Flask's own, but as the HMAC in C takes it

    def __init__(self) -> None:
        self._serializer: tuple[Any, URLSafeTimedSerializer | None] = (None, None)
        self._known: dict[str, tuple[dict[str, Any], datetime]] = {}
        """What cookies say that were read before, and when they were signed."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return Flask's own, made once for the keys."""
        keys = (app.secret_key, app.config["SECRET_KEY_FALLBACKS"])
        made_for, serializer = self._serializer
        if made_for != keys:
            serializer = super().get_signing_serializer(app)
            self._serializer, self._known = (keys, serializer), {}
        return serializer

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what the cookie of a request says."""
        return self.session_class(self.read(app, request.cookies.get(self.get_cookie_name(app))))

    def read(self, app: Flask, cookie: str | None) -> dict[str, Any]:
        """Return what a cookie says; nothing if it is too old, or not signed by us.

        To check the same signature at each poll took longer than anything else around it.
        """
        serializer = self.get_signing_serializer(app)
        if serializer is None or not cookie:
            return {}
        known = self._known.get(cookie)
        if known is not None and utcnow() - known[1] <= app.permanent_session_lifetime:
            return dict(known[0])
        life = int(app.permanent_session_lifetime.total_seconds())
        try:
            said, signed_at = serializer.loads(cookie, max_age=life, return_timestamp=True)
        except BadSignature:
            return {}
        if len(cookie) <= LONGEST_COOKIE and not any(map(_is_changeable, said.values())):
            if len(self._known) >= COOKIES:
                self._known.clear()
            self._known[cookie] = dict(said), signed_at
        return dict(said)

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Return whether this answer carries the cookie.

        While older keys still count, each page does: what they have signed is to be signed anew.
        """
        if app.config["SECRET_KEY_FALLBACKS"] and not _is_polled():
            return super().should_set_cookie(app, session)
        return session.modified or "session_extended" in g

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set no cookie with files: a cache that keeps one would give it to somebody else."""
        if not assets.is_for_everybody(response):
            super().save_session(app, session, response)


def _is_changeable(value: object) -> bool:
    return not isinstance(value, str | int | float | None)


def _is_polled() -> bool:
    return request.blueprint in POLLED or request.endpoint in POLLED_ALONE


def init_app(app: Flask) -> None:
    """Keep sessions in this way."""
    app.session_interface = Sessions()
    app.after_request(_see)
    app.after_request(_tell_activity)


def key() -> str | None:
    """Return the key that the cookie carries; its session may have ended."""
    return _key_of(session)


def key_in(app: Flask, environ: Mapping[str, Any]) -> str | None:
    """Return the same for a request that Flask has not taken apart."""
    sessions: Sessions = app.session_interface  # type: ignore[assignment]
    cookie = parse_cookie(environ.get("HTTP_COOKIE")).get(sessions.get_cookie_name(app))
    return _key_of(sessions.read(app, cookie))


def _key_of(said: Mapping[str, Any]) -> str | None:
    found = said.get(KEY)
    return found if isinstance(found, str) and found else None


def user_id() -> int | None:
    """Return the id of the user whom the cookie names, without asking the database.

    The session may have ended meanwhile: good for nothing but what concerns the answer itself.
    """
    known = session.get("_user_id")  # Flask-Login's name
    return int(known) if known and key() else None


def person_mark() -> str:
    """Return a mark of who is signed in, for text that is not stored yet; "" for nobody."""
    if not current_user.is_authenticated:
        return ""
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.digest(key, f"writer {current_user.id}".encode(), "sha256").hex()[:32]


def load(user_id: str) -> User | None:
    """Return who is signed in, in one query; None when the session has ended.

    :raises SQLAlchemyError: the database is away; it is not asked again for the same request.
    """
    if "session_failed" in g:
        raise g.session_failed
    mine = key()
    try:
        found = UserSession.opened_with(mine, accounts=request.endpoint == STORES) if mine else None
    except SQLAlchemyError as error:
        g.session_failed = error
        raise
    if found is None or str(found[0].id) != user_id:
        return None
    g.session_here = found[1]
    return found[0]


def here() -> SessionHere:
    """Return the session of somebody who is signed in."""
    if not current_user.is_authenticated:
        raise RuntimeError("nobody is signed in")
    found: SessionHere = g.session_here
    return found


def is_alive() -> bool:
    """Whether the cookie's session lives, before anything is read and with nothing kept open."""
    mine = key()
    return mine is not None and UserSession.exists(mine)


def rate_limit_key() -> str | None:
    """Return whose rate limits a request is counted to; None for those of its address.

    A session that has ended must not use up what its owner has. Polling is counted by session,
    because it asks the database once and no more, and so is everything while that is away.
    """
    mine = key()
    if mine is None:
        return None
    by_session = f"session:{hash_of(mine)[:32]}"
    if request.blueprint == "status":
        return by_session
    try:
        return f"user:{current_user.id}" if current_user.is_authenticated else None
    except SQLAlchemyError:
        rollback_quietly()
        return by_session


def visit() -> Visit:
    """Return who asks, for the audit log."""
    signed_in = here().id if current_user.is_authenticated else None
    return Visit(request.remote_addr or "", browsers.name_of(request.user_agent.string), signed_in)


def open_for(user_id: int, account: Account | None, zone: str) -> None:
    """Sign somebody in with this browser; the cookie holds nothing else of before."""
    browser_key, people = _browser()
    opened_key = sessions.open_session(
        user_id,
        account,
        visit(),
        browser_key=browser_key,
        is_known=user_id in people,
        zone=zone,
    )
    session.clear()
    session.permanent = True
    session[KEY], session["_user_id"] = opened_key, str(user_id)
    g.browser = {"key": browser_key, "people": [user_id, *(p for p in people if p != user_id)]}
    g.pop("_login_user", None)  # whoever asks from here on is this user


def forget() -> None:
    """Take everything out of the cookie: nobody is signed in with it from here on."""
    session.clear()
    g.pop("session_here", None)
    g._login_user = AnonymousUserMixin()


def _browser() -> tuple[str, list[int]]:
    """Return the browser's lasting key, and whom it has signed in before."""
    try:
        known: dict[str, Any] = _signer().loads(request.cookies.get(BROWSER, ""))
        return str(known["key"]), [int(person) for person in known["people"]]
    except (BadSignature, KeyError, TypeError, ValueError):
        return secrets.token_urlsafe(32), []


def _signer() -> URLSafeSerializer:
    older = current_app.config.get("SECRET_KEY_FALLBACKS") or []
    return URLSafeSerializer([*older, current_app.config["SECRET_KEY"]], salt="browser")


def _tell_activity(response: Response) -> Response:
    """Let the workers know that somebody is here; a page that was left open is nobody."""
    if not _is_polled() and ("session_here" in g or request.method not in READING):
        broker.tell_activity()
    return response


def _see(response: Response) -> Response:
    """Remember the browser after a sign-in, and now and then that the session is in use."""
    if browser := g.get("browser"):
        kept = {**browser, "people": browser["people"][:MAX_PEOPLE]}
        response.set_cookie(
            BROWSER,
            _signer().dumps(kept),
            max_age=BROWSER_LIFE,
            httponly=True,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            samesite="Lax",
        )
    found: SessionHere | None = g.get("session_here")
    if found is None or _is_polled() or not sessions.is_worth_noting(found):
        return response
    g.session_extended = True
    try:
        db.session.rollback()  # the answer is made: what was not committed is not meant
        sessions.see(found)
    except SQLAlchemyError as error:
        log.warning("could not note that a session is in use: %s", type(error).__name__)
        rollback_quietly()
    return response
