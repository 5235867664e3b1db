"""What Facebook's answers mean, as in docs/networks/facebook.md."""

from __future__ import annotations

import json
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from app.networks.base import OutcomeKind, Scope
from app.networks.facebook.responses import outcome_of, problem_of, trace_of
from app.networks.facebook.usage import used_up_for
from app.networks.http.calls import Response


def answer(status: int, body: Any = None, **headers: str) -> Response:
    """Return an answer as the network would give it."""
    text = body if isinstance(body, str) else json.dumps(body)
    data = None if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, CaseInsensitiveDict(named), data, text)


def error(code: Any, subcode: Any = None, **more: Any) -> dict[str, Any]:
    """Return Facebook's error object; its trace id is full of misleading digits."""
    found = {"message": "no", "type": "OAuthException", "code": code, "fbtrace_id": "A190x506x4"}
    return {"error": found | ({} if subcode is None else {"error_subcode": subcode}) | more}


TRANSIENT = {"is_transient": True}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, error(190), OutcomeKind.AUTH, "token_refused"),
        (400, error(190, 463), OutcomeKind.AUTH, "token_refused"),
        (400, error(190, 467), OutcomeKind.AUTH, "token_refused"),
        (400, error(190, 493), OutcomeKind.AUTH, "token_refused"),
        (400, error(190, 458), OutcomeKind.AUTH, "app_removed"),
        (400, error(190, 459), OutcomeKind.AUTH, "checkpoint"),
        (400, error(190, 464), OutcomeKind.AUTH, "checkpoint"),
        (400, error(190, 460), OutcomeKind.AUTH, "password_changed"),
        (400, error(190, 492), OutcomeKind.AUTH, "role_lost"),
        (401, error(102), OutcomeKind.AUTH, "token_refused"),
        (400, error(104), OutcomeKind.AUTH, "token_refused"),
        (403, error(3), OutcomeKind.AUTH, "permission_missing"),
        (403, error(10), OutcomeKind.AUTH, "permission_missing"),
        (403, error(200), OutcomeKind.AUTH, "permission_missing"),
        (400, error(299), OutcomeKind.AUTH, "permission_missing"),
        (400, error(200, 1404078), OutcomeKind.AUTH, "page_not_authorized"),
        (400, error(100, 4854002), OutcomeKind.AUTH, "confirm_identity"),
        (400, error(4, **TRANSIENT), OutcomeKind.LATER, "rate_limited"),
        (403, error(17, **TRANSIENT), OutcomeKind.LATER, "rate_limited"),
        (400, error(32), OutcomeKind.LATER, "rate_limited"),
        (400, error(613), OutcomeKind.LATER, "rate_limited"),
        (400, error(341), OutcomeKind.LATER, "rate_limited"),
        (400, error(80001), OutcomeKind.LATER, "rate_limited"),
        (400, error(80999), OutcomeKind.LATER, "rate_limited"),
        (400, error(1, 1390008), OutcomeKind.LATER, "rate_limited"),
        (429, "slow down", OutcomeKind.LATER, "rate_limited"),
        (400, error(506), OutcomeKind.REJECTED, "duplicate"),
        (400, error(506, 1455006), OutcomeKind.REJECTED, "duplicate"),
        (400, error(100, 1366051), OutcomeKind.REJECTED, "duplicate"),
        (400, error(368), OutcomeKind.REJECTED, "blocked"),
        (400, error(100), OutcomeKind.REJECTED, "rejected"),
        (400, error(100, 33), OutcomeKind.REJECTED, "not_found"),
        (400, error(1609005), OutcomeKind.REJECTED, "link_refused"),
        (400, error(100, 1609005), OutcomeKind.REJECTED, "link_refused"),
        (400, error(1, 1366046), OutcomeKind.REJECTED, "picture_refused"),
        (400, error(1, 1346003), OutcomeKind.REJECTED, "content_policy"),
        (400, error(1, 1404102), OutcomeKind.REJECTED, "content_policy"),
        (400, error(9999), OutcomeKind.REJECTED, "rejected"),
        (400, error(101), OutcomeKind.HOLD, "app_forbidden"),
        (
            400,
            error(100, message="Invalid appsecret_proof provided"),
            OutcomeKind.HOLD,
            "app_forbidden",
        ),
        (500, error(1), OutcomeKind.AMBIGUOUS, "server_error"),
        (500, error(2, **TRANSIENT), OutcomeKind.AMBIGUOUS, "server_error"),
        (400, error(1), OutcomeKind.AMBIGUOUS, "server_error"),
        (400, error(2), OutcomeKind.AMBIGUOUS, "server_error"),
        (400, error(9999, **TRANSIENT), OutcomeKind.AMBIGUOUS, "server_error"),
        (400, error(2, 1363047), OutcomeKind.AMBIGUOUS, "server_error"),
        (400, error(100, 1609010), OutcomeKind.AMBIGUOUS, "server_error"),
        (500, error(190, 463), OutcomeKind.AMBIGUOUS, "server_error"),
        (500, error(506), OutcomeKind.AMBIGUOUS, "server_error"),
        (408, "slow", OutcomeKind.AMBIGUOUS, "server_error"),
        (500, "<html>oops</html>", OutcomeKind.AMBIGUOUS, "server_error"),
        (502, "", OutcomeKind.AMBIGUOUS, "server_error"),
        (503, {}, OutcomeKind.AMBIGUOUS, "server_error"),
        (200, "<html>hello</html>", OutcomeKind.AMBIGUOUS, "garbled_answer"),
        (200, {}, OutcomeKind.AMBIGUOUS, "garbled_answer"),
        (200, error(190), OutcomeKind.AMBIGUOUS, "garbled_answer"),
        (302, "", OutcomeKind.AMBIGUOUS, "redirected"),
        (400, "<html>", OutcomeKind.REJECTED, "rejected"),
        (400, [], OutcomeKind.REJECTED, "rejected"),
        (400, {"error": "no"}, OutcomeKind.REJECTED, "rejected"),
        (404, "", OutcomeKind.REJECTED, "not_found"),
        # Codes are whole numbers of the parsed JSON, nothing else.
        (400, error("190"), OutcomeKind.REJECTED, "rejected"),
        (400, error(True), OutcomeKind.REJECTED, "rejected"),
        (400, error(None, "458"), OutcomeKind.REJECTED, "rejected"),
        (400, error([190], {}), OutcomeKind.REJECTED, "rejected"),
    ],
)
def test_outcomes(status: int, body: Any, kind: OutcomeKind, code: str) -> None:
    """Each answer has one outcome; the trace id never decides."""
    outcome = outcome_of(answer(status, body))
    assert (outcome.kind, outcome.code) == (kind, code)


def usage(percent: float, **more: Any) -> str:
    """Return a header's JSON."""
    return json.dumps({"call_count": 5, "total_time": percent, "total_cputime": 1, **more})


def business(percent: float, minutes: Any) -> str:
    """Return the header that knows when it ends."""
    counted = json.loads(usage(percent, estimated_time_to_regain_access=minutes))
    return json.dumps({"77": [{"type": "pages", **counted}]})


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"x_app_usage": usage(100)}, 3600),
        ({"x_page_usage": usage(130.5)}, 3600),
        ({"x_app_usage": usage(99)}, None),
        ({"x_business_use_case_usage": business(100, 12)}, 720),
        ({"x_business_use_case_usage": business(100, 0)}, 3600),
        ({"x_business_use_case_usage": business(99, 12)}, None),
        ({"x_business_use_case_usage": business(100, 99_999)}, 86_400),
        ({"x_business_use_case_usage": business(100, "12")}, 3600),
        ({"x_business_use_case_usage": business(100, 12), "x_app_usage": usage(100)}, 3600),
        ({"x_business_use_case_usage": business(100, 90), "x_app_usage": usage(3)}, 5400),
        ({}, None),
        ({"x_app_usage": "<html>"}, None),
        ({"x_app_usage": "[]"}, None),
        ({"x_app_usage": '{"call_count": "100"}'}, None),
        ({"x_app_usage": '{"call_count": NaN}'}, None),
        ({"x_business_use_case_usage": '{"77": {"call_count": 100}}'}, None),
        ({"x_business_use_case_usage": '{"77": ["full"]}'}, None),
        ({"x_business_use_case_usage": "7"}, None),
    ],
)
def test_an_allowance_that_is_used_up(headers: dict[str, str], wait: float | None) -> None:
    """At 100 percent we pause, for the minutes that are told or for an hour; never on rubbish."""
    assert used_up_for(answer(200, {"id": "1"}, **headers)) == wait


@pytest.mark.parametrize(
    ("code", "headers", "wait", "scope"),
    [
        (32, {"x_business_use_case_usage": business(100, 7)}, 420, Scope.ACCOUNT),
        (32, {"x_business_use_case_usage": business(80, 7)}, 420, Scope.ACCOUNT),
        (32, {"x_page_usage": usage(100)}, 3600, Scope.ACCOUNT),
        (4, {"x_app_usage": usage(100)}, 3600, Scope.NETWORK),
        (4, {}, 3600, Scope.NETWORK),
        (17, {"x_app_usage": "rubbish"}, 3600, Scope.ACCOUNT),
        (1390008, {"x_business_use_case_usage": business(100, 7)}, 3600, Scope.ACCOUNT),
        (1390008, {"x_business_use_case_usage": business(100, 90)}, 5400, Scope.ACCOUNT),
    ],
)
def test_how_long_throttling_lasts(
    code: int, headers: dict[str, str], wait: float, scope: Scope
) -> None:
    """Minutes of the header, else an hour; "too fast" is an hour at least."""
    outcome = outcome_of(answer(400, error(code), **headers))
    assert (outcome.kind, outcome.retry_after, outcome.scope) == (OutcomeKind.LATER, wait, scope)


def test_a_block_pauses_the_account() -> None:
    """The text is refused, and so would be the next one."""
    outcome = outcome_of(answer(400, error(368)))
    assert (outcome.kind, outcome.pause_for) == (OutcomeKind.REJECTED, 3600)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (error(1, error_user_msg="Try another text."), "Try another text."),
        (error(1, message="Session has expired"), "Session has expired"),
        (error(190, message=f"Malformed access token EAA{'x' * 60}"), "Malformed access token …"),
        (error(190, message=f"Bad code AQ{'-_' * 40}!"), "Bad code …!"),
        (error(1, message=None), "HTTP 400"),
        (error(1, message=["odd"]), "['odd']"),
        ("<html>", "HTTP 400"),
        (error(1, message="word " * 100), ("word " * 60)),
    ],
)
def test_the_networks_own_words(body: Any, words: str) -> None:
    """Short, the ones for people first, and never a token."""
    assert problem_of(answer(400, body)) == words


def test_the_trace_id_is_kept() -> None:
    """Facebook's support asks for it."""
    assert outcome_of(answer(400, error(100))).request_id == "A190x506x4"
    assert trace_of(answer(200, {"id": "1"}, x_fb_trace_id="B2")) == "B2"
    assert trace_of(answer(200, {"id": "1"})) is None
