"""What X's answers mean, as in docs/networks/x.md."""

from __future__ import annotations

import json
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from app.networks.base import OutcomeKind, Scope
from app.networks.http.calls import Response
from app.networks.x.responses import allowance_left_for, outcome_of

NOW = "Sat, 21 Nov 2026 12:00:00 GMT"
EPOCH = 1795262400
PROBLEMS = "https://api.twitter.com/2/problems/"


def answer(status: int, body: Any = None, **headers: str) -> Response:
    """Return an answer as the network would give it."""
    text = body if isinstance(body, str) else json.dumps(body)
    data = None if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, CaseInsensitiveDict({"Date": NOW, **named}), data, text)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, {"errors": [{"message": "bad"}]}, OutcomeKind.REJECTED, "rejected"),
        (401, {"title": "Unauthorized", "status": 401}, OutcomeKind.AUTH, "token_refused"),
        (401, {"errors": [{"code": 89}]}, OutcomeKind.AUTH, "token_refused"),
        (
            402,
            {"title": "CreditsDepleted", "type": f"{PROBLEMS}credits"},
            OutcomeKind.HOLD,
            "no_credits",
        ),
        (
            403,
            {"detail": "You are not allowed to create a Tweet with duplicate content."},
            OutcomeKind.REJECTED,
            "duplicate",
        ),
        (403, {"errors": [{"code": 187, "message": "dup"}]}, OutcomeKind.REJECTED, "duplicate"),
        (403, {"type": f"{PROBLEMS}client-forbidden"}, OutcomeKind.HOLD, "app_forbidden"),
        (403, {"type": f"{PROBLEMS}app-suspended"}, OutcomeKind.HOLD, "app_forbidden"),
        (403, {"type": f"{PROBLEMS}user-suspended"}, OutcomeKind.AUTH, "user_suspended"),
        (403, {"type": f"{PROBLEMS}oauth1-permissions"}, OutcomeKind.AUTH, "oauth1_permissions"),
        (403, {"detail": "You are not permitted to do this."}, OutcomeKind.REJECTED, "rejected"),
        (404, {"type": f"{PROBLEMS}resource-not-found"}, OutcomeKind.REJECTED, "not_found"),
        (408, "slow", OutcomeKind.AMBIGUOUS, "server_error"),
        (500, "<html>oops</html>", OutcomeKind.AMBIGUOUS, "server_error"),
        (502, {}, OutcomeKind.AMBIGUOUS, "server_error"),
        (503, {"title": "Service Unavailable"}, OutcomeKind.AMBIGUOUS, "server_error"),
        (504, "", OutcomeKind.AMBIGUOUS, "server_error"),
        (200, "<html>hello</html>", OutcomeKind.AMBIGUOUS, "garbled_answer"),
        (201, {"data": {}}, OutcomeKind.AMBIGUOUS, "garbled_answer"),
        (302, "", OutcomeKind.AMBIGUOUS, "redirected"),
    ],
)
def test_outcomes(status: int, body: Any, kind: OutcomeKind, code: str) -> None:
    """Each answer has one outcome."""
    outcome = outcome_of(answer(status, body))
    assert (outcome.kind, outcome.code) == (kind, code)


SHORT = {"x_rate_limit_remaining": "0", "x_rate_limit_reset": str(EPOCH + 60)}
USER_DAY = {
    "x_user_limit_24hour_remaining": "0",
    "x_user_limit_24hour_reset": str(EPOCH + 7200),
}
APP_DAY = {"x_app_limit_24hour_remaining": "0", "x_app_limit_24hour_reset": str(EPOCH + 9000)}
HALF_FULL = {"x_rate_limit_remaining": "5", "x_rate_limit_reset": str(EPOCH + 60)}


@pytest.mark.parametrize(
    ("headers", "wait", "scope"),
    [
        (SHORT, 60, Scope.ACCOUNT),
        (USER_DAY, 7200, Scope.ACCOUNT),
        (APP_DAY, 9000, Scope.NETWORK),
        ({**SHORT, **USER_DAY}, 7200, Scope.ACCOUNT),
        ({**HALF_FULL, **USER_DAY}, 7200, Scope.ACCOUNT),
        ({**SHORT, **APP_DAY}, 9000, Scope.NETWORK),
        (HALF_FULL, None, Scope.ACCOUNT),
        ({"retry_after": "42"}, 42, Scope.ACCOUNT),
        ({"retry_after": "Sat, 21 Nov 2026 12:01:00 GMT"}, 60, Scope.ACCOUNT),
        ({"retry_after": "soon"}, None, Scope.ACCOUNT),
        ({}, None, Scope.ACCOUNT),
    ],
)
def test_how_long_a_rate_limit_lasts(
    headers: dict[str, str], wait: float | None, scope: Scope
) -> None:
    """The latest reset of the empty buckets, by the network's own clock; else Retry-After."""
    outcome = outcome_of(answer(429, {"title": "Too Many Requests"}, **headers))
    assert (outcome.kind, outcome.retry_after, outcome.scope) == (OutcomeKind.LATER, wait, scope)


def test_usage_cap_waits_for_its_period() -> None:
    """A used-up plan is not a refused app."""
    outcome = outcome_of(answer(402, {"type": f"{PROBLEMS}usage-capped"}))
    assert (outcome.kind, outcome.scope) == (OutcomeKind.LATER, Scope.NETWORK)


def test_the_last_tweet_of_an_allowance_pauses_the_account() -> None:
    """An accepted tweet that leaves nothing says how long to wait."""
    assert allowance_left_for(answer(201, {}, **SHORT)) == 60
    assert allowance_left_for(answer(201, {}, **HALF_FULL)) is None


@pytest.mark.parametrize("told", ["inf", "nan", "1e400", "-1e30", "soon", ""])
def test_a_number_that_is_none_says_nothing(told: str) -> None:
    """A header that no clock could follow neither raises nor makes anybody wait for ever."""
    headers = {"x_rate_limit_remaining": "0", "x_rate_limit_reset": told, "retry_after": told}
    assert outcome_of(answer(429, {}, **headers)).retry_after is None
    assert allowance_left_for(answer(201, {}, **headers)) is None
