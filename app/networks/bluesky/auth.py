"""Signing in with an app password, and what a session is made of."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import regex

from app import untrusted
from app.networks import http, oauth
from app.networks.base import ConnectRefused, Credentials, LookUpFailed
from app.networks.bluesky.client import Server
from app.networks.bluesky.identity import Directory, Identity, is_did, is_handle
from app.networks.bluesky.responses import problem_of, word_in
from app.networks.responses import known_shape

FAR_AHEAD = 10**11
"""Epoch seconds that no token lives to see."""
SIGN_IN_TIMEOUT = 10.0
"""Seconds for one call: somebody waits for the page."""
FINDING_TIMEOUT = 8.0
"""Seconds until nobody is thought to know the account, and the entryway is asked."""
MAX_TYPED = 1_000
MAX_SERVER = 300

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


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that is its owner's own, and the server that all later calls go to."""

    session: dict[str, Any]
    server: str


@dataclass(frozen=True)
class SignIn:
    """Finds the account's own server, and gives the password to no other."""

    directory: Directory
    timeout: float

    def open(self, typed: Mapping[str, str], ends_at: float) -> Opened:
        """Open a session with what was typed; the password is not kept.

        :param ends_at: on time.monotonic(), when to give up.
        :raises ConnectRefused: unknown_handle, bad_password, needs_app_password, account_inactive,
            too_often, bad_server, other_server, bad_identity, refused.
        :raises LookUpFailed: no usable answer.
        """
        form = {
            "identifier": _identifier(typed.get("identifier", "")),
            "password": typed.get("password", "").strip(),
        }
        if not form["password"]:
            raise ConnectRefused("bad_password")
        wanted = self._wanted_server(typed.get("server", ""))
        is_ours = wanted in {"", self.directory.entryway.url}
        did, identity = self._found(form["identifier"], not is_ours, ends_at)
        if identity is None:
            session = _session_at(self.directory.entryway, form, ends_at)
            return Opened(session, self._told_server(session, did))
        if wanted and not self._is_same(wanted, identity.server):
            raise ConnectRefused("other_server")
        session = _session_at(self._door_of(identity.server), form, ends_at)
        if session["did"] != identity.did:
            raise ConnectRefused("bad_identity")
        handle = self._handle(form["identifier"], session, identity, ends_at)
        return Opened({**session, "handle": handle}, identity.server)

    def _wanted_server(self, typed: str) -> str:
        """Return the server that was typed in one spelling, "" for none."""
        address = _INVISIBLE.sub("", typed[:MAX_TYPED])
        if not address:
            return ""
        try:
            if len(address) > MAX_SERVER:
                raise ValueError("this is no address")
            url = self.directory.spelled(address)
        except ValueError as error:
            raise ConnectRefused("bad_server") from error
        entryway = self.directory.entryway.url
        return entryway if oauth.origin_of(url) == oauth.origin_of(entryway) else url

    def _found(
        self, identifier: str, was_typed: bool, ends_at: float
    ) -> tuple[str | None, Identity | None]:
        """Return whose name it is; what nobody says is None, and the entryway is to be asked.

        :param was_typed: whether a foreign server was: it must be known to be the account's.
        """
        ends_at = min(ends_at, time.monotonic() + FINDING_TIMEOUT)
        did: str | None = identifier if is_did(identifier) else None
        if did is None and is_handle(identifier):
            did = self.directory.did_of(identifier, ends_at)
        if did is None:
            if was_typed:
                raise ConnectRefused("unknown_handle")
            return None, None
        identity = self.directory.identity_of(did, ends_at)
        if identity is None:
            if was_typed:
                raise LookUpFailed("nobody says which server keeps this account")
            return did, None
        if identifier != did and identifier not in identity.handles:
            raise ConnectRefused("bad_identity")
        return did, identity

    def _is_same(self, wanted: str, server: str) -> bool:
        door = self._door_of(server).url
        return oauth.origin_of(wanted) in {oauth.origin_of(server), oauth.origin_of(door)}

    def _door_of(self, server: str) -> Server:
        """Return where the password of an account of this server goes."""
        if self.directory.is_entryways(server):
            return self.directory.entryway
        return Server(server, self.timeout, public_only=not self.directory.allow_private)

    def _told_server(self, session: Mapping[str, Any], did: str | None) -> str:
        """Return the server that the entryway itself names, as it is the operator's choice.

        :param did: whose session it must be, as far as that is known.
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
        """Return the account's handle: the typed one, or the server's if that leads back here."""
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
    left = min(SIGN_IN_TIMEOUT, ends_at - time.monotonic())
    if left <= 0:
        raise LookUpFailed("signing in took too long")
    try:
        answer = server.call(
            "POST", "com.atproto.server.createSession", at_most=left, json=dict(form)
        )
    except http.PrivateAddress:
        raise ConnectRefused("bad_server") from None
    except (http.NotSent, http.NoResponse) as error:
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
        if not untrusted.line(session["handle"]) or untrusted.identifier(session["did"]) is None:
            raise ValueError("nobody")
        for name in ("accessJwt", "refreshJwt"):
            if untrusted.secret(session[name]) is None:
                raise ValueError(name)
    return session


def credentials_of(session: Mapping[str, Any], pds_url: str) -> Credentials:
    """Return what later calls need of a session that was checked."""
    return {
        "pds_url": pds_url,
        "did": session["did"],
        "handle": untrusted.line(session["handle"]),
        "access_jwt": session["accessJwt"],
        "refresh_jwt": session["refreshJwt"],
        "expires_at": expiry_of(session["accessJwt"]),
    }


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
    name = _INVISIBLE.sub("", typed[:MAX_TYPED]).strip(_AROUND)
    if page := _PROFILE_PAGE.match(name):
        name = unquote(page[1])
    name = _SCHEME.sub("", name).lstrip("@＠").strip(_AROUND)
    if is_did(name):
        return name
    name = name.lower()
    if not is_handle(name) and not _EMAIL.fullmatch(name):
        raise ConnectRefused("unknown_handle")
    return name


def _refusal(answer: http.Response) -> Exception:
    word = word_in(answer)
    if answer.status == 429:
        return ConnectRefused("too_often", problem_of(answer))
    if not word or not 400 <= answer.status < 500:
        return LookUpFailed(problem_of(answer))
    if word in _REFUSALS:
        return ConnectRefused(_REFUSALS[word], problem_of(answer))
    return ConnectRefused("bad_password" if answer.status == 401 else "refused", problem_of(answer))
