"""Signing in at Facebook: one person's consent opens every Page they may publish on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from authlib.common.security import generate_token

from app.networks.base import Connection, Consent
from app.networks.errors import ConnectRefused, LookUpFailed, LookUpRefused, TokenRefused
from app.networks.facebook.client import Graph
from app.networks.facebook.responses import (
    code_of,
    next_page,
    person_in,
    problem_of,
    profile_of,
    reading_of,
)
from app.networks.http import Response
from app.networks.oauth import check_issuer, check_state
from app.networks.responses import known_shape

SCOPES = ("pages_show_list", "pages_manage_posts", "pages_read_engagement")
PUBLISH = "CREATE_CONTENT"
BAD_CODE = 100
BAD_APP = {1, 101}
PAGE_FIELDS = "id,name,username,picture"
MAX_LISTS = 20
SIGN_IN_TIMEOUT = 20.0
"""Seconds for all calls together: somebody waits for the page."""


@dataclass(frozen=True)
class SignIn:
    """The code flow, made by hand: Facebook's has a step that no standard knows."""

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
        """Exchange the code twice, look at what was granted, and return the person's Pages.

        Several people may publish on one Page, so the Pages prove nobody: the person does.

        :raises ConnectRefused: stale, denied, refused, app_refused, scope_missing, no_pages.
        :raises LookUpFailed: no usable answer.
        """
        check_state(memory.get("state"), callback.get("state"))
        check_issuer(callback, self.dialog_url, self.graph.url)
        code = _code_in(callback)
        visit = _Visit(self.graph)
        short = visit.token({"redirect_uri": redirect_uri, "code": code})
        user_token = visit.token({"grant_type": "fb_exchange_token", "fb_exchange_token": short})
        try:
            with known_shape():
                visit.check_granted(user_token)
                person_id = visit.person_id(user_token)
                pages = [
                    _connection(page, person_id)
                    for page in visit.pages(user_token)
                    if _is_ours(page)
                ]
        except (LookUpRefused, TokenRefused) as error:
            raise ConnectRefused("refused", str(error)) from error
        if not pages:
            raise ConnectRefused("no_pages")
        return pages


@dataclass(frozen=True)
class _Visit:
    """The calls of one sign-in, which share a deadline."""

    graph: Graph
    ends_at: float = field(default_factory=lambda: time.monotonic() + SIGN_IN_TIMEOUT)

    def token(self, form: Mapping[str, str]) -> str:
        """Exchange something for a token. Raises ConnectRefused, LookUpFailed."""
        answer = self.graph.exchange(form, self._left())
        data = answer.data if isinstance(answer.data, dict) else {}
        token = data.get("access_token")
        if answer.status == 200 and isinstance(token, str) and token:
            return token
        raise _refusal(answer)

    def check_granted(self, token: str) -> None:
        """Raise ConnectRefused unless all that we asked for was left ticked."""
        granted = {
            entry["permission"]
            for entry in self._entries("me/permissions", token, {})
            if entry["status"] == "granted"
        }
        if missing := [scope for scope in SCOPES if scope not in granted]:
            raise ConnectRefused("scope_missing", ", ".join(missing))

    def person_id(self, token: str) -> str:
        """Return who consented, by the id that only this app knows them by.

        :raises ConnectRefused: the answer names nobody, so nobody is let in.
        """
        answer = reading_of(self.graph.read("me", token, {"fields": "id"}, self._left()))
        person_id = person_in(answer, "id")
        if not person_id:
            raise ConnectRefused("refused", "no_person")
        return person_id

    def pages(self, token: str) -> Iterator[Mapping[str, Any]]:
        """Yield every Page that the person showed us."""
        fields = f"{PAGE_FIELDS},access_token,tasks"
        return self._entries("me/accounts", token, {"fields": fields, "limit": "100"})

    def _entries(
        self, path: str, token: str, query: Mapping[str, str]
    ) -> Iterator[Mapping[str, Any]]:
        query = dict(query)
        for _ in range(MAX_LISTS):
            page = reading_of(self.graph.read(path, token, query, self._left()))
            yield from page["data"]
            onward = next_page(page)
            if onward is None:
                return
            query |= onward
        raise LookUpFailed("the list has no end")

    def _left(self) -> float:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise LookUpFailed("signing in took too long")
        return left


def _code_in(callback: Mapping[str, str]) -> str:
    if callback.get("error"):
        denied = callback["error"] == "access_denied"
        words = callback.get("error_description") or callback["error"]
        raise ConnectRefused("denied" if denied else "refused", words[:300])
    if not callback.get("code"):
        raise ConnectRefused("refused")
    return callback["code"]


def _refusal(answer: Response) -> Exception:
    """Tell a spent code from an app that Facebook does not know, and both from silence."""
    code = code_of(answer)
    if not 400 <= answer.status < 500 or code is None:
        return LookUpFailed(problem_of(answer))
    if code == BAD_CODE:
        return ConnectRefused("stale", problem_of(answer))
    return ConnectRefused("app_refused" if code in BAD_APP else "refused", problem_of(answer))


def _is_ours(page: Mapping[str, Any]) -> bool:
    return PUBLISH in (page.get("tasks") or ()) and bool(page.get("access_token"))


def _connection(page: Mapping[str, Any], person_id: str) -> Connection:
    profile = replace(profile_of(page), person_id=person_id)
    return Connection(
        profile, {"access_token": str(page["access_token"]), "page_id": profile.remote_id}
    )
