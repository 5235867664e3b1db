"""Sign-in with an app password, and the session that it opens: whose it is, refresh, end."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import regex

from app import untrusted
from app.networks import http, oauth
from app.networks.base import REFRESH_SECONDS, SIGN_IN_SECONDS, Connection, Credentials, Profile
from app.networks.bluesky.client import Server
from app.networks.bluesky.identity import Directory, Identity, is_did, is_handle
from app.networks.bluesky.responses import problem_of, reading_of, word_in
from app.networks.errors import (
    ConnectRefused,
    LookUpFailed,
    LookUpRefused,
    RefreshUnclear,
    TokenRefused,
)
from app.networks.responses import ODD_SHAPE, known_shape

MAX_EXPIRES_AT = 10**11
"""Epoch seconds; a token that is to end later does not say readably when it ends."""
SIGN_IN_CALL_SECONDS = 10.0
"""For the call that opens a session."""
FINDING_SECONDS = 8.0
"""For finding the account's server; then the entryway is asked."""
PROFILE_SECONDS = 5.0
MOVE_SECONDS = 3.0
"""For finding out whether an account has really moved; without a response it stays."""
MAX_TYPED_CHARACTERS = 1_000
MAX_SERVER_CHARACTERS = 300

_PROFILE = "app.bsky.actor.getProfile"
_REFUSALS = {
    "AuthFactorTokenRequired": "needs_app_password",
    "AccountTakedown": "account_inactive",
    "InvalidRequest": "unknown_handle",
}
_INVISIBLE = regex.compile(r"[\s\p{Cf}]")
_PROFILE_PAGE = regex.compile(r"(?:https?://)?[^/]+/profile/([^/?#]+)", regex.IGNORECASE)
_SCHEME = regex.compile(r"^(?:https?|at)://", regex.IGNORECASE)
_AROUND = " .,;:!?/()[]{}<>\"'`„“”‚‘’«»"
"""What stands around a name in a sentence."""
_EMAIL = regex.compile(r"[^@\s/]+@[^@\s/]+\.[^@\s/]+")


@dataclass(frozen=True)
class SignIn:
    """Finds the account's own server, and gives the password to no other."""

    directory: Directory

    def begin(self, typed: Mapping[str, str]) -> Connection:
        """Return the account of a session opened with what was typed. Raises as ``_open``."""
        ends_at = time.monotonic() + SIGN_IN_SECONDS
        session, url = self._open(typed, ends_at)
        credentials, server = credentials_of(session, url), self.directory.server_at(url)
        left = ends_at - time.monotonic()
        profile = profile_of(server, token_of(credentials), session, left)
        is_elsewhere = not self.directory.is_entryways(url)
        return Connection(profile, credentials, server_was_typed=is_elsewhere)

    def _open(self, typed: Mapping[str, str], ends_at: float) -> tuple[dict[str, Any], str]:
        """Open a session with what was typed; the password is not kept.

        Return it, and the URL of the server that all later calls go to.

        :param ends_at: on time.monotonic(), when to give up.
        :raises ConnectRefused: unknown_handle, bad_password, needs_app_password, account_inactive,
            too_often, bad_server, other_server, bad_identity, refused.
        :raises LookUpFailed: no usable response.
        """
        form = {
            "identifier": _identifier(typed.get("identifier", "")),
            "password": typed.get("password", "").strip(),
        }
        if not form["password"]:
            raise ConnectRefused("bad_password")
        wanted = self._typed_server(typed.get("server", ""))
        is_ours = wanted in {"", self.directory.entryway.url}
        did, identity = self._identity_behind(form["identifier"], not is_ours, ends_at)
        if identity is None:
            session = _session_at(self.directory.entryway, form, ends_at)
            return session, self._server_named_in(session, did)
        if wanted and not self._is_same(wanted, identity.server):
            raise ConnectRefused("other_server")
        session = _session_at(self._sign_in_server_of(identity.server), form, ends_at)
        if session["did"] != identity.did:
            raise ConnectRefused("bad_identity")
        handle = self._handle(form["identifier"], session, identity, ends_at)
        return {**session, "handle": handle}, identity.server

    def _typed_server(self, typed: str) -> str:
        """Return the address of the server that was typed, in one spelling; "" for none."""
        address = _INVISIBLE.sub("", typed[:MAX_TYPED_CHARACTERS])
        if not address:
            return ""
        try:
            if len(address) > MAX_SERVER_CHARACTERS:
                raise ValueError("this is no address")
            url = self.directory.spelled(address)
        except ValueError as error:
            raise ConnectRefused("bad_server") from error
        entryway = self.directory.entryway.url
        return entryway if oauth.origin_of(url) == oauth.origin_of(entryway) else url

    def _identity_behind(
        self, identifier: str, server_was_typed: bool, ends_at: float
    ) -> tuple[str | None, Identity | None]:
        """Return DID and identity of a name; None for what nobody knows.

        Without an identity the entryway is to be asked.

        :param server_was_typed: a server other than the entryway, which must be the account's.
        :raises ConnectRefused: unknown_handle, bad_server, bad_identity.
        :raises LookUpFailed: a server was typed, and nobody knows which one is the account's.
        """
        ends_at = min(ends_at, time.monotonic() + FINDING_SECONDS)
        did: str | None = identifier if is_did(identifier) else None
        if did is None and is_handle(identifier):
            did = self.directory.did_of(identifier, ends_at)
        if did is None:
            if server_was_typed:
                raise ConnectRefused("unknown_handle")
            return None, None
        identity = self.directory.identity_of(did, ends_at)
        if identity is None:
            if server_was_typed:
                raise LookUpFailed("nobody says which server keeps this account")
            return did, None
        if identifier != did and identifier not in identity.handles:
            raise ConnectRefused("bad_identity")
        return did, identity

    def _is_same(self, wanted: str, server: str) -> bool:
        """Whether a typed address is the account's server, or the one that signs in for it."""
        others = (server, self._sign_in_server_of(server).url)
        return oauth.origin_of(wanted) in map(oauth.origin_of, others)

    def _sign_in_server_of(self, server: str) -> Server:
        """Return the server to which the password of an account at ``server`` is given."""
        directory = self.directory
        return directory.entryway if directory.is_entryways(server) else directory.server_at(server)

    def _server_named_in(self, session: Mapping[str, Any], did: str | None) -> str:
        """Return the server that a session of the entryway names, else the entryway itself.

        It is believed because the operator chose the entryway.

        :param did: whose session it must be; None where that is not known.
        """
        if did not in {None, session["did"]}:
            raise ConnectRefused("bad_identity")
        document = session.get("didDoc")
        if document is None:
            return self.directory.entryway.url
        server = self.directory.server_in(document)
        if document.get("id") != session["did"]:
            raise ConnectRefused("bad_identity")
        return server

    def _handle(
        self, identifier: str, session: Mapping[str, Any], identity: Identity, ends_at: float
    ) -> str:
        """Return the account's handle: the typed one, or the server's if it leads back to the DID.

        Otherwise return the DID.
        """
        if identifier != identity.did:
            return identifier
        claimed = str(session["handle"]).lower()
        if claimed not in identity.handles:
            raise ConnectRefused("bad_identity")
        leads_to = self.directory.did_of(claimed, ends_at)
        if leads_to not in {None, identity.did}:
            raise ConnectRefused("bad_identity")
        is_trusted = self.directory.is_entryways(identity.server)
        return claimed if leads_to or is_trusted else identity.did


def _session_at(server: Server, form: Mapping[str, str], ends_at: float) -> dict[str, Any]:
    """Open a session. Raises ConnectRefused, LookUpFailed."""
    left = min(SIGN_IN_CALL_SECONDS, ends_at - time.monotonic())
    if left <= 0:
        raise LookUpFailed("signing in took too long")
    try:
        method = "com.atproto.server.createSession"
        response = server.within(left).call("POST", method, json=dict(form))
    except http.PrivateAddress:
        raise ConnectRefused("bad_server") from None
    except (http.NotSent, http.NoResponse) as error:
        raise LookUpFailed(type(error).__name__) from None  # its cause could quote the password
    if response.status == 200 and isinstance(response.data, dict):
        session = checked_session(response.data)
        if session.get("active") is False:
            raise ConnectRefused("account_inactive", str(session.get("status") or "")[:60])
        return session
    raise _refusal(response)


def checked_session(session: dict[str, Any]) -> dict[str, Any]:
    """Return a new session that has all its parts. Raises LookUpFailed."""
    with known_shape():
        if not is_did(session["did"]):
            raise ValueError("no DID")
        if not untrusted.line(session["handle"]) or untrusted.identifier(session["did"]) is None:
            raise ValueError("nobody")
        for name in ("accessJwt", "refreshJwt"):
            if untrusted.secret(session[name]) is None:
                raise ValueError(name)
    return session


def credentials_of(session: Mapping[str, Any], pds_url: str) -> Credentials:
    """Return what later calls need of a session that ``checked_session`` returned."""
    return {
        "pds_url": pds_url,
        "did": session["did"],
        "handle": untrusted.line(session["handle"]),
        "access_jwt": session["accessJwt"],
        "refresh_jwt": session["refreshJwt"],
        "expires_at": expiry_of(session["accessJwt"]),
    }


def token_of(credentials: Credentials) -> str:
    """Return the access token, "" where there is none."""
    return str(credentials.get("access_jwt") or "")


def expiry_of(token: str) -> int | None:
    """Return when a token ends, in epoch seconds; None when it does not say so readably."""
    try:
        payload = token.split(".")[1]
        padded = payload + "=" * (-len(payload) % 4)
        expires_at = json.loads(base64.urlsafe_b64decode(padded))["exp"]
        return int(expires_at) if 0 < expires_at < MAX_EXPIRES_AT else None
    except ODD_SHAPE:
        return None


def _identifier(typed: str) -> str:
    """Return a handle however it was typed or pasted; a DID or an e-mail address stays."""
    name = _INVISIBLE.sub("", typed[:MAX_TYPED_CHARACTERS]).strip(_AROUND)
    if page := _PROFILE_PAGE.match(name):
        name = unquote(page[1])
    name = _SCHEME.sub("", name).lstrip("@＠").strip(_AROUND)
    if is_did(name):
        return name
    name = name.lower()
    if not is_handle(name) and not _EMAIL.fullmatch(name):
        raise ConnectRefused("unknown_handle")
    return name


def _refusal(response: http.Response) -> Exception:
    """Return why no session was opened."""
    word = word_in(response)
    if response.status == 429:
        return ConnectRefused("too_often", problem_of(response))
    if not word or not 400 <= response.status < 500:
        return LookUpFailed(problem_of(response))
    usual = "bad_password" if response.status == 401 else "refused"
    return ConnectRefused(_REFUSALS.get(word, usual), problem_of(response))


def who_am_i(server: Server, credentials: Credentials) -> Profile:
    """Ask whose session it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
    token = token_of(credentials)
    response = server.read("com.atproto.server.getSession", token=token)
    with known_shape():
        session = reading_of(response)
        if session["did"] != credentials.get("did", session["did"]):
            raise LookUpFailed("the answer is about another account")
        if session.get("active") is False:
            raise LookUpRefused("account_inactive", str(session.get("status") or ""))
        return profile_of(server, token, session)


def profile_of(
    server: Server, token: str, session: Mapping[str, Any], at_most: float = PROFILE_SECONDS
) -> Profile:
    """Return whose session it is.

    Name and picture come from an index; the account works without them.

    :param at_most: seconds for name and picture; they are not asked for when none are left.
    """
    did, handle = str(session["did"]), str(session["handle"])
    server = server.within(min(at_most, PROFILE_SECONDS))
    try:
        shown = reading_of(server.read(_PROFILE, {"actor": did}, token=token))
    except (LookUpFailed, LookUpRefused, TokenRefused):
        return Profile(did, handle)
    return Profile(did, handle, shown.get("displayName") or "", shown.get("avatar") or "")


def refresh(
    server: Server, directory: Directory, credentials: Credentials, start_by: float | None
) -> Credentials:
    """Exchange the refresh token; for two hours the old one gives the same new one.

    :raises TokenRefused: the session is over, or the app password was taken back.
    :raises RefreshUnclear: no response, or none that says anything.
    """
    try:
        response = _use_refresh_token(server, "refreshSession", credentials, start_by)
    except (http.NotSent, http.NoResponse) as error:
        raise RefreshUnclear(str(error)) from error
    if response.status in {400, 401, 403} and word_in(response):  # without a word: a gateway's
        raise TokenRefused(problem_of(response))
    try:
        session = checked_session({"handle": credentials.get("handle"), **reading_of(response)})
    except LookUpFailed as error:
        raise RefreshUnclear(f"HTTP {response.status}", error.retry_after) from error
    except LookUpRefused as error:
        raise RefreshUnclear(f"HTTP {response.status}") from error
    if session["did"] != credentials.get("did"):
        raise RefreshUnclear("the answer is about another account")
    return credentials_of(session, _server_after(session, credentials["pds_url"], directory))


def _server_after(session: Mapping[str, Any], url: str, directory: Directory) -> str:
    """Return the URL of the server that keeps the account after a refresh at ``url``.

    That server may say that the account has moved. It is believed when the account's own document
    says so, too; otherwise it could send us anywhere.
    """
    with contextlib.suppress(ConnectRefused):
        document = session.get("didDoc")
        if document is None or directory.server_in(document) == url:
            return url
        ends_at = time.monotonic() + MOVE_SECONDS
        identity = directory.identity_of(str(session["did"]), ends_at)
        if identity is not None and identity.server == directory.server_in(document):
            return identity.server
    return url


def revoke(server: Server, credentials: Credentials, start_by: float | None) -> bool:
    """Close the session, if that begins in time; never raises. False without a response."""
    with contextlib.suppress(http.NotSent, http.NoResponse):
        _use_refresh_token(server, "deleteSession", credentials, start_by)
        return True
    return False


def _use_refresh_token(
    server: Server, method: str, credentials: Credentials, start_by: float | None
) -> http.Response:
    return server.within(REFRESH_SECONDS).call(
        "POST",
        f"com.atproto.server.{method}",
        token=str(credentials.get("refresh_jwt") or ""),
        start_by=start_by,
    )
