"""Signing in at a Mastodon server: the app is registered there first, then it is plain OAuth."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from authlib.common.security import generate_token

from app import words
from app.networks.base import ConnectRefused, Consent, LookUpFailed
from app.networks.http import Answer
from app.networks.mastodon_answers import problem_of
from app.networks.mastodon_apps import App, Apps
from app.networks.mastodon_calls import Server

APP_NAME = "Tweet Later"
SCOPES = ("read:accounts", "read:statuses", "write:statuses", "write:media")
SIGN_IN_TIMEOUT = 20.0
"""Seconds for all calls together: somebody waits for the page."""
NO_MASTODON = {301, 302, 303, 307, 308, 404, 405, 410}
NO_CODE = "none"
"""A code that no server has given: what it answers tells whether it knows the app."""


@dataclass(frozen=True)
class SignIn:
    """The code flow at any server; verifier and state stay in the person's own cookie."""

    apps: Apps
    website: str

    def begin(self, server: Server, redirect_uri: str) -> Consent:
        """Return the server's consent page.

        :raises ConnectRefused: bad_server, too_often, refused.
        :raises LookUpFailed: no usable answer.
        """
        app = self._app(server, redirect_uri)
        state = generate_token(32)
        memory = {"state": state, "server": server.url}
        query = {
            "response_type": "code",
            "client_id": app["client_id"],
            "redirect_uri": redirect_uri,
            "scope": " ".join(SCOPES),
            "state": state,
        }
        if _offers_pkce(server):
            memory["verifier"] = generate_token(64)
            query["code_challenge"] = _challenge(memory["verifier"])
            query["code_challenge_method"] = "S256"
        return Consent(f"{server.url}/oauth/authorize?{urlencode(query, quote_via=quote)}", memory)

    def finish(
        self,
        server: Server,
        memory: Mapping[str, Any],
        callback: Mapping[str, str],
        redirect_uri: str,
    ) -> dict[str, str]:
        """Exchange the code; return token and app.

        :raises ConnectRefused: stale, denied, refused, scope_missing.
        :raises LookUpFailed: no usable answer.
        """
        code = _code_in(memory, callback)
        app = self.apps.get(server.url, redirect_uri)
        if app is None:
            raise ConnectRefused("stale", "unknown_app")
        answer = _exchange(server, app, redirect_uri, code, str(memory.get("verifier") or ""))
        if _is_unknown(answer):
            self.apps.forget(server.url, redirect_uri, app)
            raise ConnectRefused("stale", "invalid_client")
        return {
            "client_id": app["client_id"],
            "client_secret": app["client_secret"],
            "access_token": _token_in(answer),
        }

    def _app(self, server: Server, redirect_uri: str) -> App:
        """Return the app, registered if there is none that the server still knows."""
        app = self.apps.get(server.url, redirect_uri)
        if app is not None:
            if not _is_unknown(_exchange(server, app, redirect_uri, NO_CODE)):
                return app
            self.apps.forget(server.url, redirect_uri, app)
        return self.apps.made_once(
            server.url, redirect_uri, lambda: self._register(server, redirect_uri)
        )

    def _register(self, server: Server, redirect_uri: str) -> App:
        form = {
            "client_name": APP_NAME,
            "redirect_uris": redirect_uri,
            "scopes": " ".join(SCOPES),
            "website": self.website,
        }
        form = {name: value for name, value in form.items() if value}
        answer = server.ask("POST", "/api/v1/apps", data=form)
        data = _object_in(answer)
        app = {name: data.get(name) for name in ("client_id", "client_secret")}
        if 200 <= answer.status < 300 and all(map(words.secret, app.values())):
            return app
        raise _registration_refused(answer)


def revoke(server: Server, credentials: Mapping[str, Any], go: float | None) -> None:
    """End a token, if that begins in time. Raises LookUpFailed when there is no answer."""
    names = {"client_id": "client_id", "client_secret": "client_secret", "token": "access_token"}
    form = {name: str(credentials.get(known) or "") for name, known in names.items()}
    server.ask("POST", "/oauth/revoke", go=go, data=form)


def _registration_refused(answer: Answer) -> Exception:
    if answer.status == 429:
        return ConnectRefused("too_often", problem_of(answer))
    if answer.status >= 500 or answer.status == 408:
        return LookUpFailed(problem_of(answer))
    if answer.status in NO_MASTODON or not isinstance(answer.data, dict):
        return ConnectRefused("bad_server", problem_of(answer))
    return ConnectRefused("refused", problem_of(answer))


def _object_in(answer: Answer) -> dict[str, Any]:
    return answer.data if isinstance(answer.data, dict) else {}


def _offers_pkce(server: Server) -> bool:
    """Whether the server says so; older ones have no such document, and do without."""
    document = _object_in(server.read("/.well-known/oauth-authorization-server"))
    methods = document.get("code_challenge_methods_supported")
    return isinstance(methods, list) and "S256" in methods


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _exchange(
    server: Server, app: Mapping[str, Any], redirect_uri: str, code: str, verifier: str = ""
) -> Answer:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "redirect_uri": redirect_uri,
    }
    return server.ask(
        "POST", "/oauth/token", data=form | ({"code_verifier": verifier} if verifier else {})
    )


def _is_unknown(answer: Answer) -> bool:
    """Whether the server has forgotten the app, as older ones do with those that seem unused."""
    return answer.status in {400, 401, 403} and _object_in(answer).get("error") == "invalid_client"


def _token_in(answer: Answer) -> str:
    data = _object_in(answer)
    token = data.get("access_token")
    if answer.status == 200 and isinstance(token, str) and words.secret(token):
        granted = data.get("scope")
        missing = _missing(granted.split()) if isinstance(granted, str) and granted else ""
        if missing:
            raise ConnectRefused("scope_missing", missing)
        return token
    if data.get("error") == "invalid_grant":
        raise ConnectRefused("stale", "invalid_grant")
    if 400 <= answer.status < 500 and data.get("error"):
        raise ConnectRefused("refused", problem_of(answer))
    raise LookUpFailed(f"HTTP {answer.status}")  # its words might hold a token


def _missing(granted: list[str]) -> str:
    """Return the scopes that were not granted; ``write`` includes ``write:media``."""
    return " ".join(
        scope for scope in SCOPES if scope not in granted and scope.split(":")[0] not in granted
    )


def _code_in(memory: Mapping[str, Any], callback: Mapping[str, str]) -> str:
    expected, given = str(memory.get("state") or ""), callback.get("state") or ""
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        raise ConnectRefused("stale")
    if callback.get("error"):
        denied = callback["error"] == "access_denied"
        raise ConnectRefused("denied" if denied else "refused", callback["error"][:60])
    if not callback.get("code"):
        raise ConnectRefused("refused")
    return callback["code"]
