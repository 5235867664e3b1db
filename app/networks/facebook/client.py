"""How the Graph API is called: the token in a header, and the app's proof of it in the query."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from app.networks.errors import LookUpFailed
from app.networks.facebook.responses import next_page, reading_of
from app.networks.http import ApiClient, Headers, Response

TAKES_NO_FORMS = {404, 405, 501}


@dataclass(frozen=True)
class Graph(ApiClient):
    """The Graph API of one version, called by one app. Paths have no slash at the beginning."""

    _: KW_ONLY
    client_id: str | None = None
    secret: str | None = None

    def request_of(
        self, path: str, *, token: str | None = None, **content: Any
    ) -> tuple[str, dict[str, Any]]:
        """Name a path, with a token and its ``appsecret_proof`` where one is given."""
        if token is not None:
            content["auth"] = Headers(bearer=token)
            proof = {"appsecret_proof": self._proof_of(token)}
            content["params"] = {**(content.get("params") or {}), **proof}
        return super().request_of(f"/{path}", **content)

    def _proof_of(self, token: str) -> str:
        return hmac.new((self.secret or "").encode(), token.encode(), hashlib.sha256).hexdigest()

    def pages(
        self, path: str, token: str, query: Mapping[str, str], most: int
    ) -> Iterator[dict[str, Any]]:
        """Yield the pages of a list. Raises LookUpFailed when there are more than ``most``."""
        query = dict(query)
        for _ in range(most):
            page = reading_of(self.read(path, query, token=token))
            yield page
            onward = next_page(page)
            if onward is None:
                return
            query |= onward
        raise LookUpFailed("the list has no end")

    def exchange(self, form: Mapping[str, str]) -> Response:
        """Ask for a token with the app's own id and secret. Raises LookUpFailed.

        They are sent in a form, as everywhere with OAuth. Facebook takes that, but documents only
        the address; so a server that takes no forms gets them in the address.
        """
        form = {"client_id": self.client_id or "", "client_secret": self.secret or "", **form}
        path, both = "oauth/access_token", self.within(min(self.timeout, self.seconds_left()))
        response = both.ask("POST", path, data=form)
        if response.status in TAKES_NO_FORMS:
            response = both.ask("GET", path, params=form)
        return response

    def describe(self, token: str) -> Response:
        """Ask what is known of one of our own tokens, dead or alive. Raises LookUpFailed."""
        the_app = Headers(bearer=f"{self.client_id or ''}|{self.secret or ''}")
        return self.read("debug_token", {"input_token": token}, auth=the_app)
