"""Sessions of the sandbox's Bluesky: tokens, and whether they still count."""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict
from typing import Any

from sandbox.bluesky import errors
from sandbox.bluesky.records import Access, Refresh
from sandbox.bluesky.settings import BlueskySettings
from sandbox.core import Clock, Store

ACCESS, REFRESH = "bluesky_access", "bluesky_refresh"
SCOPES = {ACCESS: "com.atproto.appPass", REFRESH: "com.atproto.refresh"}


class BlueskyTokens:
    """Access and refresh tokens. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: BlueskySettings, store: Store) -> None:
        self._clock = clock
        self._settings = settings
        self._store = store
        self._accesses = {r["token"]: Access(**r) for r in store.records(ACCESS)}
        self._refreshes = {r["token"]: Refresh(**r) for r in store.records(REFRESH)}

    def open(self, did: str) -> tuple[Access, Refresh]:
        """A new session."""
        return self._new_access(did), self._new_refresh(did)

    def holder(self, token: str) -> str:
        """The DID of a live access token. Raises XrpcError."""
        known = self._accesses.get(token)
        if known is None:
            raise self._unknown(token)
        if known.ended or known.expires_at <= self._clock.now():
            raise errors.expired()
        return known.did

    def refresh_holder(self, token: str) -> str:
        """The DID of a live refresh token. Raises XrpcError."""
        return self._live_refresh(token).did

    def refresh(self, token: str) -> tuple[Access, Refresh]:
        """Exchange a refresh token; within the grace an old one gives the same new one.

        Raises XrpcError.
        """
        known = self._live_refresh(token)
        if not known.successor:
            known.successor = self._new_refresh(known.did).token
            grace_ends = self._clock.now() + self._settings.refresh_grace
            known.expires_at = min(known.expires_at, grace_ends)
            self._save(REFRESH, known)
        return self._new_access(known.did), self._refreshes[known.successor]

    def close(self, token: str) -> None:
        """Sign out. Raises XrpcError."""
        known = self._live_refresh(token)
        known.ended = True
        self._save(REFRESH, known)

    def end_all_of(self, did: str, only_access: bool = False) -> None:
        """End a person's access tokens and, unless told otherwise, the sessions."""
        for access in self._accesses.values():
            if access.did == did:
                access.ended = True
                self._save(ACCESS, access)
        for refresh in self._refreshes.values():
            if refresh.did == did and not only_access:
                refresh.ended = True
                self._save(REFRESH, refresh)

    def clear(self) -> None:
        """Forget every token."""
        self._accesses.clear()
        self._refreshes.clear()
        self._store.empty(ACCESS)
        self._store.empty(REFRESH)

    def _live_refresh(self, token: str) -> Refresh:
        known = self._refreshes.get(token)
        if known is None:
            raise self._unknown(token)
        if known.ended or (known.successor and known.expires_at <= self._clock.now()):
            raise errors.expired("Token has been revoked")
        if known.expires_at <= self._clock.now():
            raise errors.expired()
        return known

    def _unknown(self, token: str) -> errors.XrpcError:
        if token in self._accesses or token in self._refreshes:
            return errors.bad_token("Bad token scope")
        return errors.bad_token()

    def _new_access(self, did: str) -> Access:
        expires_at = self._clock.now() + self._settings.access_token_seconds
        access = Access(self._token(ACCESS, did, expires_at), did, expires_at)
        self._accesses[access.token] = access
        self._save(ACCESS, access)
        return access

    def _new_refresh(self, did: str) -> Refresh:
        expires_at = self._clock.now() + self._settings.refresh_token_seconds
        refresh = Refresh(self._token(REFRESH, did, expires_at), did, expires_at)
        self._refreshes[refresh.token] = refresh
        self._save(REFRESH, refresh)
        return refresh

    def _token(self, kind: str, did: str, expires_at: float) -> str:
        """A JWT in shape; nobody checks the signature, because a token counts if it is known."""
        claims = {
            "scope": SCOPES[kind],
            "sub": did,
            "iat": int(self._clock.to_real(self._clock.now())),
            "exp": int(self._clock.to_real(expires_at)),
            "jti": secrets.token_hex(8),
        }
        signed = f"{_encoded({'typ': 'at+jwt', 'alg': 'HS256'})}.{_encoded(claims)}"
        signature = hmac.digest(secrets.token_bytes(32), signed.encode(), hashlib.sha256)
        return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    def _save(self, kind: str, token: Access | Refresh) -> None:
        self._store.put(kind, token.token, asdict(token))


def _encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
