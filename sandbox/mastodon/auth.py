"""Mastodon's app registration and OAuth (docs: Mastodon sign-in)."""

import hmac
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.core import decide, wrong_request
from sandbox.mastodon.calls import fields, words
from sandbox.mastodon.effects import FAULTS
from sandbox.mastodon.errors import OAuthError, error_answer
from sandbox.mastodon.records import App, Code
from sandbox.mastodon.state import INVENTED, MastodonState
from sandbox.mastodon.tokens import INVALID_GRANT, SCOPES, covers

View = Callable[[MastodonState], Response]
KNOWN = {
    *("client_id", "redirect_uri", "state", "response_type", "scope", "force_login", "lang"),
    *("code_challenge", "code_challenge_method"),
}
NO_CLIENT = (
    "Client authentication failed due to unknown client, no client authentication included, or "
    "unsupported authentication method."
)
SIGNED_IN = "signed_in"  # a cookie of any value, where hides_dead_apps wants it
DENIED = {
    "error": "access_denied",
    "error_description": "The resource owner or authorization server denied the request.",
}


def make_oauth(state: MastodonState) -> Blueprint:
    """The routes of apps, consent and tokens."""
    routes = Blueprint("mastodon_oauth", __name__)
    for method, path, view in (
        ("POST", "/api/v1/apps", _register),
        ("POST", "/oauth/token", _token),
        ("POST", "/oauth/revoke", _revoke),
        ("GET", "/.well-known/oauth-authorization-server", _discovery),
    ):
        routes.add_url_rule(path, view.__name__.strip("_"), _with(state, view), methods=[method])

    @routes.route("/oauth/authorize", methods=["GET", "POST"])
    def authorize() -> AnyResponse:
        with state.lock:
            app = state.tokens.app(request.args.get("client_id", ""))
            problem = _problem(state, app)
        if app is None and state.settings.hides_dead_apps and SIGNED_IN not in request.cookies:
            return make_response(render_template("problem.html", title="Sign in", detail=""), 200)
        if app is None or problem:
            return wrong_request(problem)
        return _show(app) if request.method == "GET" else _decide(state, app)

    return routes


def _with(state: MastodonState, view: View) -> Callable[[], Response]:
    return lambda: view(state)


def _register(state: MastodonState) -> Response:
    with state.lock:
        state.calls.count("token")
    instead = FAULTS.before(state, "token", None)
    if instead is not None:
        return instead
    carried = fields()
    name = words(carried, "client_name")
    scopes = words(carried, "scopes").split() or ["read"]
    listed = carried.get("redirect_uris")
    uris = listed if isinstance(listed, list) else str(listed or "").split("\n")
    problem = _app_problem(name, uris, scopes)
    if problem:
        return error_answer(422, {"error": f"Validation failed: {problem}"})
    with state.lock:
        state.check_running()
        app = state.tokens.register(name, words(carried, "website"), uris, scopes)
    answer = jsonify(
        id=app.client_id[:8],
        name=app.name,
        website=app.website or None,
        client_id=app.client_id,
        client_secret=app.client_secret,
        client_secret_expires_at=0,
        redirect_uri="\n".join(uris),
        redirect_uris=uris,
        scopes=scopes,
    )
    return FAULTS.after(state, "token", None, answer)


def _app_problem(name: str, uris: list[str], scopes: list[str]) -> str:
    if not name.strip() or len(name) > 60:
        return "Application name can't be blank"
    if not all(isinstance(uri, str) and urlsplit(uri).netloc for uri in uris):
        return "Redirect URI must be an absolute URI."
    if set(scopes) - set(SCOPES):
        return "Scopes doesn't match configured on the server."
    return ""


def _problem(state: MastodonState, app: App | None) -> str:
    """What is wrong with a consent request, in a sentence; nothing when it is right."""
    query = request.args
    if set(query) - KNOWN:
        return f"The parameter {min(set(query) - KNOWN)} is not known."
    if app is None:
        return NO_CLIENT
    if query.get("redirect_uri") not in app.redirect_uris:
        return "The requested redirect uri is malformed or doesn't match client redirect URI."
    if query.get("response_type") != "code":
        return "The authorization server does not support this response type."
    if not all(covers(app.scopes, scope) for scope in _asked()):
        return "The requested scope is invalid, unknown, or malformed."
    if "code_challenge" in query and state.settings.pkce:
        return "" if query.get("code_challenge_method") == "S256" else "Only S256 is supported."
    return ""


def _asked() -> list[str]:
    return request.args.get("scope", "read").split()


def _show(app: App, handle: str = "", error: str = "") -> Response:
    page = render_template(
        "mastodon_consent.html",
        app=app.name,
        wishes=[SCOPES.get(scope, scope) for scope in _asked()],
        people=INVENTED,
        handle=handle,
        error=error,
    )
    return make_response(page, 422 if error else 200)


def _sender(state: MastodonState) -> dict[str, str]:
    """What the way back says of who sends it."""
    issuers = {"own": request.host_url, "wrong": "https://another.example/"}
    issuer = issuers.get(state.settings.issuer)
    return {"iss": issuer} if issuer else {}


def _decide(state: MastodonState, app: App) -> AnyResponse:
    sender = _sender(state)
    person = decide(state, lambda handle, error: _show(app, handle, error))
    if isinstance(person, Response):
        return person
    if person is None:
        return _back(DENIED | sender)
    with state.lock:
        code = state.tokens.add_code(
            client_id=app.client_id,
            person_id=person.id,
            redirect_uri=request.args["redirect_uri"],
            scopes=_asked(),
            challenge=request.args.get("code_challenge", "") if state.settings.pkce else "",
        )
    return _back({"code": code.code} | sender)


def _back(query: dict[str, str]) -> AnyResponse:
    told = query | ({"state": request.args["state"]} if "state" in request.args else {})
    return redirect(f"{request.args['redirect_uri']}?{urlencode(told)}")


def _token(state: MastodonState) -> Response:
    carried = fields()
    with state.lock:
        state.calls.count("code")
        app = _client(state, carried)
    if words(carried, "grant_type") != "authorization_code":
        description = "The authorization grant type is not supported by the authorization server."
        raise OAuthError(400, "unsupported_grant_type", description)
    with state.lock:
        exists = state.tokens.gave(words(carried, "code"))
    # Faults wait for a code that exists: clients also show invented ones, to see them refused.
    instead = FAULTS.before(state, "code", None) if exists else None
    if instead is not None:
        return instead
    with state.lock:
        state.check_running()
        code = _code(state, app, carried)
        token = state.tokens.add(app.client_id, code.person_id, code.scopes)
    answer = jsonify(
        access_token=token.value,
        token_type="Bearer",
        scope=" ".join(token.scopes),
        created_at=int(token.created_at),
    )
    return FAULTS.after(state, "code", None, answer)


def _code(state: MastodonState, app: App, carried: dict[str, object]) -> Code:
    if not state.settings.checks_codes:
        return state.tokens.last_code(app.client_id)
    verifier = words(carried, "code_verifier") if state.settings.pkce else ""
    return state.tokens.spend_code(
        words(carried, "code"), app.client_id, words(carried, "redirect_uri"), verifier
    )


def _revoke(state: MastodonState) -> Response:
    carried = fields()
    with state.lock:
        app = _client(state, carried, status=403)
        token = state.tokens.find(words(carried, "token"))
        if token is not None and token.client_id != app.client_id:
            description = "You are not authorized to revoke this token"
            raise OAuthError(403, "unauthorized_client", description)
        if token is not None:
            state.tokens.end(token)
            if state.settings.apps_end:
                state.tokens.forget_app(app.client_id)
    return jsonify({})


def _client(state: MastodonState, carried: dict[str, object], status: int = 401) -> App:
    basic = request.authorization
    if basic is not None and basic.type == "basic":
        client_id, secret = basic.username or "", basic.password or ""
    else:
        client_id, secret = words(carried, "client_id"), words(carried, "client_secret")
    app = state.tokens.app(client_id)
    if app is None or not hmac.compare_digest(app.client_secret.encode(), secret.encode()):
        if state.settings.apps_end:
            raise OAuthError(401)
        if state.settings.hides_dead_apps and status == 401:
            raise OAuthError(400, "invalid_grant", INVALID_GRANT)
        error = "invalid_client" if status == 401 else "unauthorized_client"
        raise OAuthError(status, error, NO_CLIENT)
    return app


def _discovery(state: MastodonState) -> Response:
    if not state.settings.discovery:
        return error_answer(404, {"error": "Not Found"})
    base = request.host_url.rstrip("/")
    document: dict[str, object] = {
        "issuer": f"{base}/",
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "revocation_endpoint": f"{base}/oauth/revoke",
        "app_registration_endpoint": f"{base}/api/v1/apps",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }
    if state.settings.issuer == "own":
        document["authorization_response_iss_parameter_supported"] = True
    if state.settings.pkce:
        document["code_challenge_methods_supported"] = ["S256"]
    return jsonify(document)
