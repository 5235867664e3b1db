"""Sign-in at a Mastodon server: the app is registered there first, then it is plain OAuth."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from authlib.common.security import generate_token
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from app import untrusted
from app.networks.base import Connection, Consent, Credentials, Profile
from app.networks.errors import ConnectRefused, LookUpFailed, LookUpRefused, TokenRefused
from app.networks.history import ReadKind
from app.networks.http import Response
from app.networks.mastodon.apps import App, Apps, mark_of
from app.networks.mastodon.client import Server
from app.networks.mastodon.posts import limits_at
from app.networks.mastodon.responses import problem_of, profile_of, reading_of
from app.networks.oauth import check_state, token_of
from app.networks.responses import known_shape, object_at, object_in

APP_NAME = "Tweet Later"
SCOPES = ("read:accounts", "read:statuses", "write:statuses", "write:media")
"""What every sign-in asks for."""
READING = {ReadKind.LIKES: "read:favourites", ReadKind.FOLLOWS: "read:follows"}
"""What is asked for beyond that to read a list."""
MAX_SCOPE_CHARACTERS = 500
KEYS = ("client_id", "client_secret")
REVOKE_SECONDS = 4.0
"""Of SIGN_IN_SECONDS, reserved for revoking tokens that must not be used."""
NO_MASTODON = {301, 302, 303, 307, 308, 404, 405, 410, 501}
NO_TO_SCOPES = {400, 422}
"""How servers answer the registration of an app that asks for scopes that they do not know."""
NO_TO_APP = {400, 401, 403, 404, 422}
"""How servers answer an app that they do not know; the bodies differ from server to server."""
NOT_ABOUT_APP = {
    *("invalid_grant", "invalid_scope", "invalid_request", "access_denied"),
    *("unsupported_grant_type", "server_error", "temporarily_unavailable"),
}
"""Words of the standard that say something else than that the app is unknown."""
UNCLEAR = {408, 425, 429, 502, 503, 504}
"""Statuses that say nothing about the code that was shown."""
MAX_ISSUER_CHARACTERS = 200
"""Of an issuer that is remembered: it goes into a cookie."""
USERNAME = re.compile(r"[\w.~\-]{1,200}")


class _ChecksNothing(Exception):
    """The server gave a token for an invented code; it is revoked and noted already."""


@dataclass(frozen=True)
class SignIn:
    """The code flow at any server; verifier and state are kept in the person's own cookie."""

    apps: Apps
    website: str

    def begin(
        self,
        server: Server,
        base_uri: str,
        signing_in: bool,
        scopes: Sequence[str] = SCOPES,
        failed: str = "",
    ) -> Consent:
        """Return the server's consent page.

        :param base_uri: our callback address, to which the server's own host is added: a code
            that comes back to it can be no other server's.
        :param scopes: what is asked for: SCOPES, or what ``scopes_for`` returns.
        :param failed: the ``client`` of a memory from which nobody came back: with another app.
        :raises ConnectRefused: no_mastodon, too_often, refused; server_checks_nothing where
            signing in proves nobody; server_asks_nobody where anybody gets any access.
            just_registered where ``failed`` is a new app already; scope_missing where the server
            registers no app for these scopes.
        :raises LookUpFailed: no usable response.
        """
        document = _document_of(server)
        request = _Request(server, address_at(server, base_uri), document, tuple(scopes))
        memory = request.memory | {"signing_in": signing_in}
        try:
            if self.apps.known(server.url).checks_codes is False:
                raise _ChecksNothing
            app = self._another_app(request, failed) if failed else self._shared_app(request)
            memory["client"] = mark_of(app)
        except _ChecksNothing:
            if signing_in:
                raise ConnectRefused("server_checks_nothing") from None
            app = self._app_for_one(request)
            memory["app"] = self.apps.keep_for_one(server.url, app)
        if not _is_registered_for(app, scopes):
            raise ConnectRefused("scope_missing", " ".join(scopes))
        return Consent(request.url_for(app), memory)

    def finish(
        self, server: Server, memory: Mapping[str, Any], callback: Mapping[str, str], base_uri: str
    ) -> Connection:
        """Exchange the code, only ever at the server of the state; return the account.

        :raises ConnectRefused: stale, denied, refused, scope_missing, another_server,
            server_checks_nothing, or start_again: the next try gets an app of its own.
        :raises LookUpFailed: no usable response.
        """
        code = _code_in(server, memory, callback)
        redirect_uri, verifier = address_at(server, base_uri), str(memory.get("verifier") or "")
        key, signing_in = memory.get("app"), memory.get("signing_in") is not False
        if not key and self.apps.known(server.url).checks_codes is False:
            raise _no_proof(signing_in)
        app = self._app_of(server, redirect_uri, key, str(memory.get("client") or ""))
        try:
            if key:
                response = _exchange(server, app, redirect_uri, code, verifier)
            else:
                response = self._exchange_if_checked(server, app, redirect_uri, code, verifier)
        except _ChecksNothing:
            raise _no_proof(signing_in) from None
        if not key and _is_no_to_app(response, app):
            self.apps.forget(server.url, redirect_uri, app)
            raise ConnectRefused("stale", "invalid_client")
        credentials = {name: app[name] for name in KEYS} | {"access_token": _token_in(response)}
        credentials["scope"] = _scope_in(response, scopes_in(memory))
        if missing := _missing_in(response):
            _revoke_unwanted(server, credentials)
            raise ConnectRefused("scope_missing", missing)
        connection = _connection_of(server, credentials, checks_codes=not key)
        self.apps.note_return(server.url, checks_codes=not key)
        return connection

    def _app_of(self, server: Server, redirect_uri: str, key: Any, mark: str) -> App:
        """Return the app that a sign-in began with, even if another took its place meanwhile."""
        if key:
            app = self.apps.take_for_one(server.url, str(key))
        else:
            app = self.apps.get(server.url, redirect_uri)
            if mark and (app is None or mark_of(app) != mark):
                app = self.apps.former(server.url, mark)
        if app is None:
            raise ConnectRefused("stale", "unknown_app")
        return app

    def _exchange_if_checked(
        self, server: Server, app: App, redirect_uri: str, code: str, verifier: str
    ) -> Response:
        """Exchange the code, and show the server an invented code before it and after it.

        By now somebody has signed in there, so a server that checks no codes has a token to give.
        One that gives each token once gives it for the first invented code; one where somebody else
        has just signed in gives that person's for the second.

        :raises _ChecksNothing: it gave a token for an invented code; all tokens are revoked.
        :raises LookUpFailed: whether it checks codes is not known, and was not known before.
        """
        self._check_the_server(server, app, redirect_uri, bool(verifier))
        response = _exchange(server, app, redirect_uri, code, verifier)
        token = object_in(response).get("access_token")
        if token:
            try:
                self._check_the_server(server, app, redirect_uri, bool(verifier))
            except (_ChecksNothing, LookUpFailed):
                _revoke_unwanted(server, {**app, "access_token": token})
                raise
        return response

    def _check_the_server(
        self, server: Server, app: App, redirect_uri: str, with_verifier: bool
    ) -> None:
        """Raise _ChecksNothing or LookUpFailed unless the server is known to check codes."""
        try:
            response = self._show_invented_code(server, app, redirect_uri, with_verifier)
            is_clear = response.status not in UNCLEAR
        except LookUpFailed as error:
            if str(error) == "private_address":
                raise
            is_clear = False
        if not is_clear and not self.apps.known(server.url).checks_codes:
            raise LookUpFailed("whether it checks codes cannot be told")

    def _show_invented_code(
        self, server: Server, app: App, redirect_uri: str, with_verifier: bool = True
    ) -> Response:
        """Return how the server answers a code that it gave to nobody.

        :raises _ChecksNothing: it answers with a token.
        """
        verifier = generate_token(64) if with_verifier else ""
        response = _exchange(server, app, redirect_uri, generate_token(43), verifier)
        token = object_in(response).get("access_token")
        if not token:
            return response
        self.apps.note_no_check(server.url)
        _revoke_unwanted(server, {**app, "access_token": token})
        raise _ChecksNothing

    def _shared_app(self, request: _Request) -> App:
        """Return the app of all who sign in there, registered if the server knows none.

        :raises _ChecksNothing: with a shared app, people would get each other's accounts.
        """
        server, redirect_uri = request.server, request.redirect_uri
        app = self.apps.get(server.url, redirect_uri)
        if app is None:
            return self.apps.made_once(server.url, redirect_uri, lambda: self._register(request))
        if not _is_registered_for(app, request.scopes):
            return self._another_app(request, mark_of(app))
        if self._is_known_there(request, app):
            return app
        self.apps.forget(server.url, redirect_uri, app)
        return self.apps.made_once(server.url, redirect_uri, lambda: self._register_anew(request))

    def _another_app(self, request: _Request, failed: str) -> App:
        """Return the shared app, a new one if that is still the one that failed.

        A server may show its error to those alone who have signed in there, and not to us.

        :raises _ChecksNothing: as above.
        """
        return self.apps.replaced(
            request.server.url, request.redirect_uri, failed, lambda: self._register_anew(request)
        )

    def _is_known_there(self, request: _Request, app: App) -> bool:
        """Whether the server still knows the app: some sweep apps away, and some end one with
        one of its tokens.
        """
        response = self._show_invented_code(request.server, app, request.redirect_uri)
        if _is_no_to_app(response, app):
            return False
        status = request.status_of_page(app)
        return status not in NO_TO_APP or status == _told(app).get("page")

    def _register_anew(self, request: _Request) -> App:
        """Register after a refusal, and note what this server says to an app that it does know.

        What looks like a refusal of the app may be this server's way to refuse a code. Noted, it
        does not lead to a new app at every sign-in.
        """
        app = self._register(request)
        response = self._show_invented_code(request.server, app, request.redirect_uri)
        return {**app, "told": {"token": _word(response), "page": request.status_of_page(app)}}

    def _app_for_one(self, request: _Request) -> App:
        """Register an app for one connection only, with which nobody has signed in yet."""
        app = self._register(request)
        try:
            self._show_invented_code(request.server, app, request.redirect_uri)
        except _ChecksNothing:
            raise ConnectRefused("server_asks_nobody") from None
        return app

    def _register(self, request: _Request) -> App:
        """Register an app that may ask for all scopes, so that nobody needs another one to read.

        Where a server may know no scopes for reading, one without them. Raises ConnectRefused,
        LookUpFailed.
        """
        every = (*SCOPES, *READING.values())
        response = self._ask_for_app(request, every)
        may_read = response.status not in NO_TO_SCOPES
        if not may_read:
            response = self._ask_for_app(request, SCOPES)
        data = object_in(response)
        app = {name: data.get(name) for name in KEYS}
        if 200 <= response.status < 300 and all(map(untrusted.secret, app.values())):
            return {**app, "scopes": list(every)} if may_read else app
        raise _registration_refused(response)

    def _ask_for_app(self, request: _Request, scopes: Sequence[str]) -> Response:
        form = {
            "client_name": APP_NAME,
            "redirect_uris": request.redirect_uri,
            "scopes": " ".join(scopes),
            "website": self.website,
        }
        form = {name: value for name, value in form.items() if value}
        return request.server.ask("POST", "/api/v1/apps", data=form)


@dataclass(frozen=True)
class _Request:
    """One sign-in at a server. ``document`` is the server's own description of its sign-in."""

    server: Server
    redirect_uri: str
    document: Mapping[str, Any]
    scopes: Sequence[str] = SCOPES
    state: str = field(default_factory=lambda: generate_token(32))
    verifier: str = field(default_factory=lambda: generate_token(64))

    @property
    def memory(self) -> dict[str, Any]:
        """What the person's cookie keeps of it."""
        kept: dict[str, Any] = {
            "state": self.state,
            "server": self.server.url,
            "host": self.server.host,
        }
        if self.scopes != SCOPES:
            kept["scope"] = " ".join(self.scopes)
        if self._has_pkce:
            kept["verifier"] = self.verifier
        issuer = _issuer_in(self.document, self.server)
        if issuer and not _is_same(issuer, self.server.url):
            kept["issuer"] = issuer
        if self.document.get("authorization_response_iss_parameter_supported") is True:
            kept["says_issuer"] = True
        return kept

    @property
    def _has_pkce(self) -> bool:
        """Whether the server offers it; older ones have no such document and no PKCE."""
        methods = self.document.get("code_challenge_methods_supported")
        return isinstance(methods, list) and "S256" in methods

    def url_for(self, app: Mapping[str, Any]) -> str:
        """Return the address of the consent page."""
        query = {
            "response_type": "code",
            "client_id": app["client_id"],
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(self.scopes),
            "state": self.state,
        }
        if self._has_pkce:
            challenge: str = create_s256_code_challenge(self.verifier)  # type: ignore[no-untyped-call]
            query["code_challenge"] = challenge
            query["code_challenge_method"] = "S256"
        return f"{self.server.url}/oauth/authorize?{urlencode(query, quote_via=quote)}"

    def status_of_page(self, app: Mapping[str, Any]) -> int | None:
        """Return the consent page's status for somebody who is not signed in; None without one."""
        another = replace(self, state=generate_token(32), verifier=generate_token(64))
        try:
            return self.server.read(another.url_for(app).removeprefix(self.server.url)).status
        except LookUpFailed:
            return None


def _connection_of(server: Server, opened: Credentials, checks_codes: bool) -> Connection:
    """Return the account that a new token belongs to; without one, the token is revoked.

    :param opened: the token and the app that it belongs to.
    :param checks_codes: whether the server refused an invented code; if not, the account proves
        nobody.
    :raises ConnectRefused: refused, when the server does not say whose token it is.
    :raises LookUpFailed: no usable response.
    """
    credentials: Credentials = {**opened, "server_url": server.url}
    try:
        profile = who_am_i(server, credentials)
    except (TokenRefused, LookUpRefused) as error:
        _revoke_unwanted(server, credentials)
        raise ConnectRefused("refused", str(error)) from error
    except LookUpFailed:
        _revoke_unwanted(server, credentials)
        raise
    software, version = software_of(server)
    credentials |= {"software": software, "version": version}
    limits = None
    with contextlib.suppress(LookUpFailed, LookUpRefused, TokenRefused):
        limits = limits_at(server, token_of(credentials), software)
    return Connection(
        profile, credentials, limits, server_was_typed=True, proves_nobody=not checks_codes
    )


def who_am_i(server: Server, credentials: Credentials) -> Profile:
    """Ask whose token it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
    path = "/api/v1/accounts/verify_credentials"
    with known_shape():
        account = reading_of(server.read(path, token=token_of(credentials)))
        profile = profile_of(account, server)
        if not USERNAME.fullmatch(profile.handle.removesuffix(f"@{server.host}")):
            raise ValueError("a name that would read as somebody else's, or as none")
        return profile


def software_of(server: Server) -> tuple[str, str]:
    """Return name (in small letters) and version of what runs there, two "" if unknown."""
    try:
        with known_shape():
            software = reading_of(server.read(_node_info_path(server)))["software"]
            return str(software["name"]).lower()[:60], str(software.get("version") or "")[:60]
    except (LookUpFailed, LookUpRefused, TokenRefused):
        return "", ""


def _node_info_path(server: Server) -> str:
    links = reading_of(server.read("/.well-known/nodeinfo"))["links"]
    paths = (str(link["href"]).removeprefix(server.url) for link in links)
    own = [path for path in paths if path.startswith("/")]  # never another host
    return own[-1] if own else "/nodeinfo/2.0"


def address_at(server: Server, base_uri: str) -> str:
    """Return the callback address that is this server's alone (RFC 9700, section 4.4.2)."""
    return f"{base_uri}/{quote(server.host, safe=':')}"


def _revoke_unwanted(server: Server, credentials: Mapping[str, Any]) -> None:
    """Revoke a token that must not be used, in the time reserved for it; never raises."""
    ends_at = None if server.ends_at is None else server.ends_at + REVOKE_SECONDS
    with contextlib.suppress(LookUpFailed):
        revoke(replace(server, ends_at=ends_at), credentials, None)


def _no_proof(signing_in: bool) -> ConnectRefused:
    """Return why nobody is connected by a shared app of a server that checks no codes."""
    return ConnectRefused("server_checks_nothing" if signing_in else "start_again")


def revoke(server: Server, credentials: Mapping[str, Any], start_by: float | None) -> None:
    """Revoke a token, if that begins in time. Raises LookUpFailed when there is no response."""
    names = {"client_id": "client_id", "client_secret": "client_secret", "token": "access_token"}
    form = {name: str(credentials.get(known) or "") for name, known in names.items()}
    server.ask("POST", "/oauth/revoke", start_by=start_by, data=form)


def _registration_refused(response: Response) -> Exception:
    if response.status == 429:
        return ConnectRefused("too_often", problem_of(response))
    if response.status == 408 or (response.status >= 500 and response.status != 501):
        return LookUpFailed(problem_of(response))
    if response.status in NO_MASTODON or not isinstance(response.data, dict):
        return ConnectRefused("no_mastodon", problem_of(response))
    return ConnectRefused("refused", problem_of(response))


def _document_of(server: Server) -> dict[str, Any]:
    """Return how the server describes its sign-in (RFC 8414); {} where it does not."""
    return object_in(server.read("/.well-known/oauth-authorization-server"))


def _issuer_in(document: Mapping[str, Any], server: Server) -> str:
    """Return the issuer that the server names, "" unless it is an address of this server."""
    issuer = document.get("issuer")
    if not isinstance(issuer, str) or len(issuer) > MAX_ISSUER_CHARACTERS:
        return ""
    return issuer if f"{issuer}/".startswith(f"{server.url}/") else ""


def _is_same(issuer: str, other: str) -> bool:
    return issuer.removesuffix("/") == other.removesuffix("/")


def _exchange(
    server: Server, app: Mapping[str, Any], redirect_uri: str, code: str, verifier: str = ""
) -> Response:
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


def _is_no_to_app(response: Response, app: Mapping[str, Any]) -> bool:
    """Whether a server refuses the app itself, and not only the code that was shown."""
    if object_in(response).get("error") in NOT_ABOUT_APP:
        return False
    return response.status in NO_TO_APP and _word(response) != _told(app).get("token")


def _told(app: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the server says to this app although it knows it; see ``_register_anew``."""
    return object_at(app, "told")


def _word(response: Response) -> str:
    """Return status and error word of a response, short."""
    return f"{response.status} {str(object_in(response).get('error') or '')[:60]}"


def _token_in(response: Response) -> str:
    data = object_in(response)
    token = data.get("access_token")
    if response.status == 200 and isinstance(token, str) and untrusted.secret(token):
        return token
    if data.get("error") == "invalid_grant":
        raise ConnectRefused("stale", "invalid_grant")
    if 400 <= response.status < 500 and data.get("error"):
        raise ConnectRefused("refused", problem_of(response))
    raise LookUpFailed(f"HTTP {response.status}")  # its words might hold a token


def scopes_for(kinds: Collection[ReadKind]) -> tuple[str, ...]:
    """Return what is asked for to publish and to read these lists."""
    return (*SCOPES, *(scope for kind, scope in READING.items() if kind in kinds))


def scopes_in(memory: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the consent page of this memory was asked for."""
    return tuple(str(memory.get("scope") or "").split()) or SCOPES


def lets_read(credentials: Credentials, kinds: Collection[ReadKind]) -> bool:
    """Whether these lists may be read."""
    granted = str(credentials.get("scope") or "").split() or SCOPES
    return not _beyond(granted, [READING[kind] for kind in kinds if kind in READING])


def _is_registered_for(app: Mapping[str, Any], scopes: Sequence[str]) -> bool:
    """Whether an app may ask for these. One without ``scopes`` may ask for those of a sign-in."""
    return not _beyond(app.get("scopes") or SCOPES, scopes)


def _scope_in(response: Response, asked: Sequence[str]) -> str:
    """Return what was granted: all that was asked for, where the server does not say."""
    told = untrusted.line(object_in(response).get("scope"), MAX_SCOPE_CHARACTERS)
    return told or " ".join(asked)


def _missing_in(response: Response) -> str:
    """Return the scopes that publishing needs and that were not granted."""
    return " ".join(_beyond(_scope_in(response, SCOPES).split(), SCOPES))


def _beyond(granted: Collection[str], wanted: Sequence[str]) -> list[str]:
    """Return what is wanted and not granted: ``write`` includes ``write:media``."""
    return [scope for scope in wanted if not {scope, scope.split(":")[0]} & set(granted)]


def _code_in(server: Server, memory: Mapping[str, Any], callback: Mapping[str, str]) -> str:
    """Return the code, if the callback has our state and comes from the server of that state."""
    check_state(memory.get("state"), callback.get("state"))
    if memory.get("host") != server.host:
        raise ConnectRefused("stale", "old_address")
    if "iss" in callback:
        issuers = (server.url, str(memory.get("issuer") or server.url))
        if not any(_is_same(callback["iss"], issuer) for issuer in issuers):
            raise ConnectRefused("another_server")
    if callback.get("error"):
        denied = callback["error"] == "access_denied"
        raise ConnectRefused("denied" if denied else "refused", callback["error"][:60])
    if memory.get("says_issuer") and "iss" not in callback:
        raise ConnectRefused("another_server", "no_issuer")
    if not callback.get("code"):
        raise ConnectRefused("refused")
    return callback["code"]
