"""Signing in at Facebook: one person's consent opens every Page on which they may publish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from authlib.common.security import generate_token

from app.networks.base import SIGN_IN_SECONDS, Connection, Consent, Credentials, Profile
from app.networks.errors import ConnectRefused, LookUpFailed, LookUpRefused, TokenRefused
from app.networks.facebook.client import Graph
from app.networks.facebook.responses import (
    BAD_PARAMETER,
    UNKNOWN_APP,
    code_of,
    person_in,
    problem_of,
    profile_of,
    reading_of,
)
from app.networks.http import Response
from app.networks.oauth import check_issuer, check_state, token_of
from app.networks.responses import known_shape, object_in

SCOPES = ("pages_show_list", "pages_manage_posts", "pages_read_engagement")
MAY_PUBLISH = "CREATE_CONTENT"
PERSON = "person_token"
"""The person's own token among the credentials: only a call with it ends our access."""
APP_REFUSED = {1, UNKNOWN_APP}
PAGE_FIELDS = "id,name,username,picture"
MAX_PAGE_LISTS = 20
DESCRIBE_SECONDS = 5.0
"""To ask about one token: somebody waits for the page."""


@dataclass(frozen=True)
class SignIn:
    """The code flow, written by hand: Facebook has a second exchange that no standard knows."""

    graph: Graph
    dialog_url: str

    def begin(self, redirect_uri: str) -> Consent:
        """Return the dialog's URL. It asks again for what was unticked the last time."""
        state = generate_token(32)
        query = {
            "client_id": self.graph.client_id or "",
            "redirect_uri": redirect_uri,
            "state": state,
            "response_type": "code",
            "scope": ",".join(SCOPES),
            "auth_type": "rerequest",
        }
        return Consent(f"{self.dialog_url}?{urlencode(query)}", {"state": state})

    def finish(
        self, memory: Mapping[str, Any], callback: Mapping[str, str], redirect_uri: str
    ) -> list[Connection]:
        """Exchange the code twice, check what was granted, and return the person's Pages.

        Several people may publish on one Page, so a Page proves nobody's identity: the person does.

        :raises ConnectRefused: stale, denied, refused, app_refused, scope_missing, no_pages.
        :raises LookUpFailed: no usable response.
        """
        check_state(memory.get("state"), callback.get("state"))
        check_issuer(callback, self.dialog_url, self.graph.url)
        code, graph = _code_in(callback), self.graph.within(SIGN_IN_SECONDS)
        short = _exchanged(graph, {"redirect_uri": redirect_uri, "code": code})
        long = {"grant_type": "fb_exchange_token", "fb_exchange_token": short}
        user_token = _exchanged(graph, long)
        try:
            with known_shape():
                _check_granted(graph, user_token)
                person_id = _person_id(graph, user_token)
                pages = [
                    _connection(page, person_id, user_token)
                    for page in _pages(graph, user_token)
                    if _may_publish_on(page)
                ]
        except (LookUpRefused, TokenRefused) as error:
            raise ConnectRefused("refused", str(error)) from error
        if not pages:
            raise ConnectRefused("no_pages")
        return pages


def who_am_i(graph: Graph, credentials: Credentials) -> Profile:
    """Ask which Page it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
    with known_shape():
        query = {"fields": PAGE_FIELDS}
        return profile_of(reading_of(graph.read("me", query, token=token_of(credentials))))


def revoke(graph: Graph, credentials: Credentials, start_by: float | None) -> None:
    """Take back all that a person has granted, if that begins in time.

    A person's token ends after 60 days, so whatever Facebook answers, there is nothing more to do
    (docs: Facebook sign-in). Raises LookUpFailed when there is no response.
    """
    token = str(credentials[PERSON])
    graph.ask("DELETE", "me/permissions", start_by=start_by, token=token)


def connected_by(graph: Graph, credentials: Credentials) -> str:
    """Return the id of the person whose consent a Page token comes from, "" for an unknown one.

    For Pages that were connected before we asked who the person is. Facebook answers for a dead
    token, too. Raises LookUpFailed.
    """
    with known_shape():
        described = _described(graph, credentials)
        is_this_page = str(described.get("profile_id")) == str(credentials.get("page_id"))
        return person_in(described, "user_id") if is_this_page else ""


def access_end(graph: Graph, credentials: Credentials) -> float | None:
    """Return when a token ends, or what it may reach, in seconds since 1970; None for never.

    The token of a Page stays, but 90 days after its person last used this app it opens nothing.
    Raises LookUpFailed.
    """
    with known_shape():
        described = _described(graph, credentials)
        ends = [described.get(name) for name in ("expires_at", "data_access_expires_at")]
    return min((float(end) for end in ends if type(end) is int and end > 0), default=None)


def _described(graph: Graph, credentials: Credentials) -> Mapping[str, Any]:
    """Return what Facebook knows of our token, nothing if that is none. Raises LookUpFailed."""
    response = graph.within(DESCRIBE_SECONDS).describe(token_of(credentials))
    if code_of(response) == BAD_PARAMETER:
        return {}  # Facebook has forgotten this token
    try:
        described: Mapping[str, Any] = reading_of(response)["data"]
    except (LookUpRefused, TokenRefused) as error:
        raise LookUpFailed(str(error)) from error
    return described if str(described["app_id"]) == graph.client_id else {}


def _code_in(callback: Mapping[str, str]) -> str:
    if callback.get("error"):
        denied = callback["error"] == "access_denied"
        words = callback.get("error_description") or callback["error"]
        raise ConnectRefused("denied" if denied else "refused", words[:300])
    if not callback.get("code"):
        raise ConnectRefused("refused")
    return callback["code"]


def _exchanged(graph: Graph, form: Mapping[str, str]) -> str:
    """Return the token for which a code or another token is exchanged."""
    response = graph.exchange(form)
    token = object_in(response).get("access_token")
    if response.status == 200 and isinstance(token, str) and token:
        return token
    raise _refusal(response)


def _refusal(response: Response) -> Exception:
    """Return the error for an exchange that gave no token."""
    code = code_of(response)
    if not 400 <= response.status < 500 or code is None:
        return LookUpFailed(problem_of(response))
    if code == BAD_PARAMETER:  # the code was used already, or is too old
        return ConnectRefused("stale", problem_of(response))
    return ConnectRefused("app_refused" if code in APP_REFUSED else "refused", problem_of(response))


def _check_granted(graph: Graph, token: str) -> None:
    """Raise ConnectRefused unless all that we asked for was left ticked."""
    granted = {
        entry["permission"]
        for page in graph.pages("me/permissions", token, {}, MAX_PAGE_LISTS)
        for entry in page["data"]
        if entry["status"] == "granted"
    }
    if missing := [scope for scope in SCOPES if scope not in granted]:
        raise ConnectRefused("scope_missing", ", ".join(missing))


def _person_id(graph: Graph, token: str) -> str:
    """Return who consented, by the id that only this app knows them by.

    :raises ConnectRefused: the response names nobody, so nobody is let in.
    """
    person_id = person_in(reading_of(graph.read("me", {"fields": "id"}, token=token)), "id")
    if not person_id:
        raise ConnectRefused("refused", "no_person")
    return person_id


def _pages(graph: Graph, token: str) -> Iterator[Mapping[str, Any]]:
    """Yield every Page that the person showed us."""
    query = {"fields": f"{PAGE_FIELDS},access_token,tasks", "limit": "100"}
    for page in graph.pages("me/accounts", token, query, MAX_PAGE_LISTS):
        yield from page["data"]


def _may_publish_on(page: Mapping[str, Any]) -> bool:
    return MAY_PUBLISH in (page.get("tasks") or ()) and bool(page.get("access_token"))


def _connection(page: Mapping[str, Any], person_id: str, user_token: str) -> Connection:
    profile = replace(profile_of(page), person_id=person_id)
    credentials = {
        "access_token": str(page["access_token"]),
        "page_id": profile.remote_id,
        PERSON: user_token,
    }
    return Connection(profile, credentials)
