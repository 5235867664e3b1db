"""Who may do what on the sandbox's Facebook: tokens, permissions, proofs."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox.facebook import APP_ID, APP_SECRET
from tests.support.facebook import FacebookSandbox, call, codes


def test_tokens_are_checked(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """None, an unknown one, a wrong scheme: HTTP 400 and codes; never 401."""
    path = f"{ana['page_id']}/feed"
    for headers, code in (
        ({}, 104),
        ({"Authorization": "Bearer EAAx"}, 190),
        ({"Authorization": f"Basic {ana['access_token']}"}, 104),
    ):
        answer = call(facebook, "POST", path, ana, headers=headers, json={"message": "x"})
        assert codes(answer)[:2] == (400, code)
    assert facebook.texts() == []


def test_a_token_may_be_a_parameter(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """As most callers send it."""
    params = {"access_token": ana["access_token"]}
    answer = call(facebook, "GET", "me", ana, headers={}, params=params)
    assert answer.json() == {"id": ana["id"], "name": "Ana Duarte"}


def test_the_proof_is_checked(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """Required unless switched off; a wrong one is refused even then."""
    wrong, none = {"appsecret_proof": "0" * 64}, {"appsecret_proof": ""}
    assert codes(call(facebook, "GET", "me", ana, params=wrong))[:2] == (400, 100)
    assert codes(call(facebook, "GET", "me", ana, params=none))[:2] == (400, 100)
    facebook.settings(require_proof=False)
    assert call(facebook, "GET", "me", ana, params=none).status_code == 200
    assert call(facebook, "GET", "me", ana, params=wrong).status_code == 400


def test_only_the_page_publishes_on_itself(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """Neither another Page nor the person who owns it."""
    for stranger in (facebook.mint("ben"), facebook.mint("ana.shop"), facebook.mint(kind="long")):
        answer = call(facebook, "POST", f"{ana['page_id']}/feed", stranger, json={"message": "x"})
        assert codes(answer)[:2] == (400, 200)
    answer = call(facebook, "POST", "12345/feed", ana, json={"message": "x"})
    assert codes(answer) == (400, 100, 33)
    assert facebook.texts() == []


@pytest.mark.parametrize(
    ("scope", "path", "method", "code"),
    [
        ("pages_read_engagement", "feed", "POST", 200),
        ("pages_manage_posts", "published_posts", "GET", 10),
    ],
)
def test_permissions(
    facebook: FacebookSandbox, scope: str, path: str, method: str, code: int
) -> None:
    """Writing and reading are granted apart."""
    token = facebook.mint("ana", scope=scope)
    content = {"json": {"message": "x"}} if method == "POST" else {}
    answer = call(facebook, method, f"{token['page_id']}/{path}", token, **content)
    assert codes(answer)[:2] == (400, code)


@pytest.mark.parametrize("subcode", [458, 459, 460, 463, 464, 467, 492, 493])
def test_every_way_to_die(facebook: FacebookSandbox, subcode: int) -> None:
    """A revoked token says why."""
    ana, ben = facebook.mint("ana"), facebook.mint("ben")
    facebook.control("revoke", handle="ana", subcode=subcode)
    assert codes(call(facebook, "GET", "me", ana)) == (400, 190, subcode)
    assert call(facebook, "GET", "me", ben).status_code == 200


def test_the_app_can_be_removed(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """Removing it ends the person's tokens and those of all their Pages."""
    person = facebook.mint("ana", kind="long")
    assert codes(call(facebook, "DELETE", "me/permissions", ana))[:2] == (400, 100)
    assert call(facebook, "DELETE", "me/permissions", person).json() == {"success": True}
    assert codes(call(facebook, "GET", "me", ana)) == (400, 190, 458)


def test_debugging_tokens(facebook: FacebookSandbox, ana: dict[str, Any]) -> None:
    """Only the app itself may; a Page's token has no end, a short one has."""

    def debug(token: str, by: str = f"{APP_ID}|{APP_SECRET}") -> Any:
        params = {"input_token": token, "access_token": by}
        return requests.get(f"{facebook.graph}/debug_token", params=params, timeout=10)

    data = debug(ana["access_token"]).json()["data"]
    assert (data["type"], data["expires_at"], data["is_valid"]) == ("PAGE", 0, True)
    short = facebook.mint("ana", kind="short")["access_token"]
    assert debug(short).json()["data"]["expires_at"] > 0
    facebook.settings(clock_offset=3601)
    dead = debug(short).json()["data"]
    assert (dead["is_valid"], dead["error"]["subcode"]) == (False, 463)
    assert codes(debug(short, by=short))[:2] == (400, 190)
