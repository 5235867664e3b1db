"""Signing in with an app password, and what a session is made of."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import regex

from app import words
from app.networks import http
from app.networks.answers import known_shape
from app.networks.base import ConnectRefused, Credentials, LookUpFailed
from app.networks.bluesky_answers import problem_of, word_in
from app.networks.bluesky_calls import Server

FAR_AHEAD = 10**11
"""Epoch seconds that no token lives to see."""
SIGN_IN_TIMEOUT = 10.0
"""Seconds for one call: somebody waits for the page."""

_REFUSALS = {
    "AuthFactorTokenRequired": "needs_app_password",
    "AccountTakedown": "account_inactive",
    "InvalidRequest": "unknown_handle",
}
_INVISIBLE = regex.compile(r"[\s\p{Cf}]")
_PROFILE_PAGE = regex.compile(r"https?://[^/]+/profile/([^/?#]+)", regex.IGNORECASE)
_DID = regex.compile(r"did:[a-z]+:[A-Za-z0-9._:%\-]*[A-Za-z0-9._\-]")


def sign_in(entryway: Server, typed: Mapping[str, str]) -> dict[str, Any]:
    """Open a session with what was typed; the password is not kept.

    :raises ConnectRefused: unknown_handle, bad_password, needs_app_password, account_inactive,
        too_often, refused.
    :raises LookUpFailed: no usable answer.
    """
    form = {
        "identifier": _identifier(typed.get("identifier", "")),
        "password": typed.get("password", "").strip(),
    }
    if not form["password"]:
        raise ConnectRefused("bad_password")
    try:
        answer = entryway.call(
            "POST", "com.atproto.server.createSession", at_most=SIGN_IN_TIMEOUT, json=form
        )
    except (http.NotSent, http.Unanswered) as error:
        raise LookUpFailed(type(error).__name__) from None  # its cause could quote the password
    if answer.status == 200 and isinstance(answer.data, dict):
        session = checked_session(answer.data)
        if session.get("active") is False:
            raise ConnectRefused("account_inactive", str(session.get("status") or "")[:60])
        return session
    raise _refusal(answer)


def checked_session(session: dict[str, Any]) -> dict[str, Any]:
    """Return a new session that has all its parts. Raises LookUpFailed."""
    with known_shape():
        if not is_did(session["did"]):
            raise ValueError("no DID")
        if not words.line(session["handle"]) or words.identifier(session["did"]) is None:
            raise ValueError("nobody")
        for name in ("accessJwt", "refreshJwt"):
            if words.secret(session[name]) is None:
                raise ValueError(name)
    return session


def credentials_of(session: Mapping[str, Any], pds_url: str) -> Credentials:
    """Return what later calls need of a session that was checked."""
    return {
        "pds_url": pds_url,
        "did": session["did"],
        "handle": words.line(session["handle"]),
        "access_jwt": session["accessJwt"],
        "refresh_jwt": session["refreshJwt"],
        "expires_at": expiry_of(session["accessJwt"]),
    }


def pds_of(session: Mapping[str, Any], entryway: str, checked: Callable[[str], str]) -> str:
    """Return the server that keeps the account: that of its DID document, if there is one.

    :param checked: returns the URL in one spelling; raises ValueError for one not to be called.
    :raises ConnectRefused: bad_server.
    """
    document = session.get("didDoc")
    if document is None:
        return entryway
    try:
        for service in document["service"]:
            if str(service["id"]).endswith("#atproto_pds"):
                return checked(service["serviceEndpoint"]).rstrip("/")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConnectRefused("bad_server", type(error).__name__) from error
    raise ConnectRefused("bad_server")


def is_did(value: object) -> bool:
    """Whether this is the name of an account."""
    return isinstance(value, str) and _DID.fullmatch(value) is not None


def expiry_of(token: str) -> int | None:
    """Return when a token ends, in epoch seconds; None when it does not say so readably."""
    try:
        payload = token.split(".")[1]
        padded = payload + "=" * (-len(payload) % 4)
        expires_at = json.loads(base64.urlsafe_b64decode(padded))["exp"]
        return int(expires_at) if 0 < expires_at < FAR_AHEAD else None
    except (
        ArithmeticError,
        AttributeError,
        IndexError,
        KeyError,
        RecursionError,
        TypeError,
        ValueError,
    ):
        return None


def _identifier(typed: str) -> str:
    """Return a handle however it was typed or pasted; a DID or an e-mail address stays."""
    name = _INVISIBLE.sub("", typed)
    if page := _PROFILE_PAGE.match(name):
        name = page[1]
    name = name.removeprefix("@")
    if is_did(name):
        return name
    if "." not in name:
        raise ConnectRefused("unknown_handle")
    return name.lower()


def _refusal(answer: http.Answer) -> Exception:
    word = word_in(answer)
    if answer.status == 429:
        return ConnectRefused("too_often", problem_of(answer))
    if not word or not 400 <= answer.status < 500:
        return LookUpFailed(problem_of(answer))
    if word in _REFUSALS:
        return ConnectRefused(_REFUSALS[word], problem_of(answer))
    return ConnectRefused("bad_password" if answer.status == 401 else "refused", problem_of(answer))
