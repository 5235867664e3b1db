"""The control panel for tests, in JSON (see the README for every field)."""

from typing import Any

from flask import Response, jsonify

from sandbox.control import BadRequest, Panel, read_body, read_handle
from sandbox.facebook.errors import DEAD_TOKEN_WORDS
from sandbox.facebook.state import FacebookState
from sandbox.facebook.tokens import SCOPES

WHATS: dict[str, int | None] = {"all": None, "access": 463}


class FacebookPanel(Panel):
    """The panel of Facebook."""

    def __init__(self, state: FacebookState) -> None:
        super().__init__(state)
        self._facebook = state

    def revoke(self) -> Response:
        """End the tokens of a person, or of one of the further Pages; the subcode says why."""
        body = read_body("handle", "what", "subcode")
        what, subcode = body.get("what", "all"), body.get("subcode")
        if what not in WHATS:
            raise BadRequest("what is all or access")
        if subcode is not None and subcode not in DEAD_TOKEN_WORDS:
            raise BadRequest(f"subcode is one of {', '.join(map(str, DEAD_TOKEN_WORDS))}")
        handle = read_handle(body)
        self._facebook.revoke(handle, subcode or WHATS[what])
        return jsonify(revoked=handle)

    def mint(self) -> tuple[Response, int]:
        """Make a Page's token, as a consent with a long-lived token would have."""
        body = read_body("handle", "kind", "scope")
        kind = body.get("kind", "page")
        if kind not in ("page", "long", "short"):
            raise BadRequest("kind is page, long or short")
        scopes = str(body.get("scope") or ",".join(SCOPES)).split(",")
        if set(scopes) - set(SCOPES):
            raise BadRequest(f"scope is of {', '.join(SCOPES)}, separated by commas")
        return jsonify(self._minted(read_handle(body), kind, scopes)), 201

    def _minted(self, handle: str, kind: str, scopes: list[str]) -> dict[str, Any]:
        state = self._facebook
        with state.lock:
            page = state.page(handle)
            person = state.person_by_id(page.person_id)
            pages = [one.id for one in state.pages_of(person)]
            lives = {
                "short": state.settings.short_token_seconds,
                "long": state.settings.long_token_seconds,
            }
            ends = state.clock.now() + lives.get(kind, lives["long"])
            owner_kind = "long" if kind == "page" else kind
            token = state.tokens.add(owner_kind, person.id, scopes, [], pages, ends)
            if kind != "page":
                return {"handle": person.handle, "id": person.id, "access_token": token.value}
            value = state.tokens.of_page(token, page).value
        return {
            "handle": page.handle,
            "id": page.id,
            "name": page.name,
            "access_token": value,
            "page_id": page.id,
        }
