"""Whom a name of the AT Protocol belongs to, and which server keeps the account.

A handle leads to a DID, the DID to its document, and the document back to the handle and on to the
account's server. Whoever runs a server may claim anything about anybody, so a claim counts only if
all of them agree, and no server is given a password before it is known to be the account's own.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from app.networks import http, oauth
from app.networks.bluesky.client import Server
from app.networks.errors import ConnectRefused, LookUpFailed
from app.networks.http import public_https_url
from app.networks.responses import known_shape, object_in

PLC = "did:plc:"
WEB = "did:web:"
STEP_SECONDS = 5.0
"""For one of the calls that find an account's server."""
MAX_DID_CHARACTERS = 300
HOSTED_BY = {("https", "bsky.social", 443): ".host.bsky.network"}
"""Entryways that sign people in for other servers, and how the names of these servers end."""
RESERVED = {
    "alt", "arpa", "example", "home", "internal", "invalid", "lan", "local", "localhost", "onion",
    "test",
}  # fmt: skip
"""Top-level domains that lead nowhere on the internet."""
UNKNOWN = {404, 410}
"""What a directory answers for a DID that it does not know."""
_ANY_PUBLIC = "1.1.1.1"

_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%\-]*[A-Za-z0-9._\-]")
_HOST = re.compile(r"did:web:[A-Za-z0-9.\-]+(?:%3[Aa][0-9]{1,5})?", re.ASCII)
_LABEL = r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?"
_HANDLE = re.compile(rf"(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")


def is_did(value: object) -> bool:
    """Whether this is the name of an account."""
    if not isinstance(value, str) or len(value) > MAX_DID_CHARACTERS:
        return False
    return _DID.fullmatch(value) is not None


def is_handle(value: str) -> bool:
    """Whether this can be a handle: the name of a host, in small letters."""
    return len(value) <= 253 and _HANDLE.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Identity:
    """What the DID's own document says."""

    did: str
    handles: frozenset[str]
    """Those that the document claims; a handle is the DID's only if it leads back to the DID."""
    server: str
    """The URL of the account's server, in one spelling."""


@dataclass(frozen=True)
class Directory:
    """Finds accounts for people who sign in at ``entryway``."""

    entryway: Server
    plc_url: str
    """The directory of ``did:plc``; the operator chose it, so it may be in a private network."""
    allow_private: bool

    def did_of(self, handle: str, ends_at: float) -> str | None:
        """Return the DID that a handle leads to, None when nobody knows.

        :param ends_at: on time.monotonic(), when to give up.
        """
        return self._did_at_entryway(handle, ends_at) or self._did_at_home(handle, ends_at)

    def _did_at_entryway(self, handle: str, ends_at: float) -> str | None:
        name, asked = "com.atproto.identity.resolveHandle", {"handle": handle}
        try:
            response = self.entryway.within(self._left(ends_at)).read(name, asked)
        except LookUpFailed:
            return None
        did = object_in(response).get("did")
        return did if response.status == 200 and is_did(did) else None

    def _did_at_home(self, handle: str, ends_at: float) -> str | None:
        """Ask the host that the handle names."""
        if handle.rpartition(".")[2] in RESERVED:
            return None
        try:
            response = self._well_known(handle, "atproto-did", ends_at)
        except (ConnectRefused, LookUpFailed):
            return None
        did = response.text[: MAX_DID_CHARACTERS + 2].strip()
        return did if response.status == 200 and is_did(did) else None

    def identity_of(self, did: str, ends_at: float) -> Identity | None:
        """Return what the DID's own document says, None when it cannot be had at the moment.

        :raises ConnectRefused: unknown_handle, when there is no such DID; bad_server, when the
            document names no server that may be called; bad_identity, when it is another DID's.
        """
        try:
            document = self._document_of(did, ends_at)
            if document is None:
                return None
            with known_shape():
                handles = _handles_in(document)
        except LookUpFailed:
            return None
        if document["id"] != did:
            raise ConnectRefused("bad_identity")
        return Identity(did, handles, self.server_in(document))

    def server_in(self, document: Any) -> str:
        """Return the account's server in one spelling. Raises ConnectRefused: bad_server."""
        try:
            for service in document["service"]:
                if str(service["id"]).endswith("#atproto_pds"):
                    return self.spelled(service["serviceEndpoint"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ConnectRefused("bad_server", type(error).__name__) from error
        raise ConnectRefused("bad_server")

    def spelled(self, url: str) -> str:
        """Return a server's URL in one spelling. Raises ValueError for one not to be called.

        Its name is not looked up: the call does that, within its deadline, and refuses what leads
        to a private address.
        """
        return public_https_url(url, self.allow_private, lambda _host, _port: [_ANY_PUBLIC])

    def server_at(self, url: str) -> Server:
        """Return an account's own server, which anybody may run."""
        is_ours = self.allow_private or url == self.entryway.url
        return Server(url, self.entryway.timeout, public_only=not is_ours)

    def is_entryways(self, server: str) -> bool:
        """Whether the entryway signs people in for this server."""
        entryway, other = oauth.origin_of(self.entryway.url), oauth.origin_of(server)
        if entryway is None or other is None:
            return False
        suffix = HOSTED_BY.get(entryway)
        hosted = suffix is not None and other[0] == "https" and other[1].endswith(suffix)
        return entryway == other or hosted

    def _document_of(self, did: str, ends_at: float) -> Mapping[str, Any] | None:
        if did.startswith(PLC):
            url = f"{self.plc_url}/{quote(did, safe=':')}"
            response = self._get(url, ends_at, public_only=False)
            is_directory = self.plc_url != self.entryway.url
        elif _HOST.fullmatch(did):
            response = self._well_known(unquote(did.removeprefix(WEB)), "did.json", ends_at)
            is_directory = True
        else:
            raise ConnectRefused("unknown_handle", "another kind of DID")
        if response.status in UNKNOWN and is_directory:
            raise ConnectRefused("unknown_handle", "nobody has this DID")
        document = object_in(response)
        return document if response.status == 200 and "id" in document else None

    def _well_known(self, host: str, file: str, ends_at: float) -> http.Response:
        """Read a file that a host publishes about itself.

        Raises ConnectRefused: bad_server; LookUpFailed.
        """
        try:
            url = self.spelled(host)
        except ValueError as error:
            raise ConnectRefused("bad_server") from error
        return self._get(f"{url}/.well-known/{file}", ends_at, public_only=not self.allow_private)

    def _get(self, url: str, ends_at: float, public_only: bool) -> http.Response:
        try:
            return http.call("GET", url, timeout=self._left(ends_at), public_only=public_only)
        except http.PrivateAddress as error:
            raise ConnectRefused("bad_server") from error
        except (http.NotSent, http.NoResponse) as error:
            raise LookUpFailed(type(error).__name__) from error

    def _left(self, ends_at: float) -> float:
        left = min(STEP_SECONDS, self.entryway.timeout, ends_at - time.monotonic())
        if left <= 0:
            raise LookUpFailed("there was no time for all of it")
        return left


def _handles_in(document: Mapping[str, Any]) -> frozenset[str]:
    names = [name for name in document.get("alsoKnownAs") or () if isinstance(name, str)]
    handles = [name[5:].rstrip("/").lower() for name in names if name.startswith("at://")]
    return frozenset(handle for handle in handles if is_handle(handle))
