"""What Facebook's answers mean, as in docs/networks/facebook.md."""

from __future__ import annotations

import json
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from app.networks.base import Kind, Scope
from app.networks.facebook_answers import outcome_of, problem_of, trace_of
from app.networks.facebook_usage import used_up_for
from app.networks.http import Answer


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    """Return an answer as the network would give it."""
    text = body if isinstance(body, str) else json.dumps(body)
    data = None if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, CaseInsensitiveDict(named), data, text)


def error(code: Any, subcode: Any = None, **more: Any) -> dict[str, Any]:
    """Return Facebook's error object; its trace id is full of misleading digits."""
    found = {"message": "no", "type": "OAuthException", "code": code, "fbtrace_id": "A190x506x4"}
    return {"error": found | ({} if subcode is None else {"error_subcode": subcode}) | more}


TRANSIENT = {"is_transient": True}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, error(190), Kind.AUTH, "token_refused"),
        (400, error(190, 463), Kind.AUTH, "token_refused"),
        (400, error(190, 467), Kind.AUTH, "token_refused"),
        (400, error(190, 493), Kind.AUTH, "token_refused"),
        (400, error(190, 458), Kind.AUTH, "app_removed"),
        (400, error(190, 459), Kind.AUTH, "checkpoint"),
        (400, error(190, 464), Kind.AUTH, "checkpoint"),
        (400, error(190, 460), Kind.AUTH, "password_changed"),
        (400, error(190, 492), Kind.AUTH, "role_lost"),
        (401, error(102), Kind.AUTH, "token_refused"),
        (400, error(104), Kind.AUTH, "token_refused"),
        (403, error(3), Kind.AUTH, "permission_missing"),
        (403, error(10), Kind.AUTH, "permission_missing"),
        (403, error(200), Kind.AUTH, "permission_missing"),
        (400, error(299), Kind.AUTH, "permission_missing"),
        (400, error(200, 1404078), Kind.AUTH, "page_not_authorized"),
        (400, error(100, 4854002), Kind.AUTH, "confirm_identity"),
        (400, error(4, **TRANSIENT), Kind.LATER, "rate_limited"),
        (403, error(17, **TRANSIENT), Kind.LATER, "rate_limited"),
        (400, error(32), Kind.LATER, "rate_limited"),
        (400, error(613), Kind.LATER, "rate_limited"),
        (400, error(341), Kind.LATER, "rate_limited"),
        (400, error(80001), Kind.LATER, "rate_limited"),
        (400, error(80999), Kind.LATER, "rate_limited"),
        (400, error(1, 1390008), Kind.LATER, "rate_limited"),
        (429, "slow down", Kind.LATER, "rate_limited"),
        (400, error(506), Kind.REJECTED, "duplicate"),
        (400, error(506, 1455006), Kind.REJECTED, "duplicate"),
        (400, error(100, 1366051), Kind.REJECTED, "duplicate"),
        (400, error(368), Kind.REJECTED, "blocked"),
        (400, error(100), Kind.REJECTED, "rejected"),
        (400, error(100, 33), Kind.REJECTED, "not_found"),
        (400, error(1609005), Kind.REJECTED, "link_refused"),
        (400, error(100, 1609005), Kind.REJECTED, "link_refused"),
        (400, error(1, 1366046), Kind.REJECTED, "picture_refused"),
        (400, error(1, 1346003), Kind.REJECTED, "content_policy"),
        (400, error(1, 1404102), Kind.REJECTED, "content_policy"),
        (400, error(9999), Kind.REJECTED, "rejected"),
        (400, error(101), Kind.HOLD, "app_forbidden"),
        (400, error(100, message="Invalid appsecret_proof provided"), Kind.HOLD, "app_forbidden"),
        (500, error(1), Kind.AMBIGUOUS, "server_error"),
        (500, error(2, **TRANSIENT), Kind.AMBIGUOUS, "server_error"),
        (400, error(1), Kind.AMBIGUOUS, "server_error"),
        (400, error(2), Kind.AMBIGUOUS, "server_error"),
        (400, error(9999, **TRANSIENT), Kind.AMBIGUOUS, "server_error"),
        (400, error(2, 1363047), Kind.AMBIGUOUS, "server_error"),
        (400, error(100, 1609010), Kind.AMBIGUOUS, "server_error"),
        (500, error(190, 463), Kind.AMBIGUOUS, "server_error"),
        (500, error(506), Kind.AMBIGUOUS, "server_error"),
        (408, "slow", Kind.AMBIGUOUS, "server_error"),
        (500, "<html>oops</html>", Kind.AMBIGUOUS, "server_error"),
        (502, "", Kind.AMBIGUOUS, "server_error"),
        (503, {}, Kind.AMBIGUOUS, "server_error"),
        (200, "<html>hello</html>", Kind.AMBIGUOUS, "garbled_answer"),
        (200, {}, Kind.AMBIGUOUS, "garbled_answer"),
        (200, error(190), Kind.AMBIGUOUS, "garbled_answer"),
        (302, "", Kind.AMBIGUOUS, "redirected"),
        (400, "<html>", Kind.REJECTED, "rejected"),
        (400, [], Kind.REJECTED, "rejected"),
        (400, {"error": "no"}, Kind.REJECTED, "rejected"),
        (404, "", Kind.REJECTED, "not_found"),
        # Codes are whole numbers of the parsed JSON, nothing else.
        (400, error("190"), Kind.REJECTED, "rejected"),
        (400, error(True), Kind.REJECTED, "rejected"),
        (400, error(None, "458"), Kind.REJECTED, "rejected"),
        (400, error([190], {}), Kind.REJECTED, "rejected"),
    ],
)
def test_outcomes(status: int, body: Any, kind: Kind, code: str) -> None:
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
    assert (outcome.kind, outcome.retry_after, outcome.scope) == (Kind.LATER, wait, scope)


def test_a_block_pauses_the_account() -> None:
    """The text is refused, and so would be the next one."""
    outcome = outcome_of(answer(400, error(368)))
    assert (outcome.kind, outcome.pause_for) == (Kind.REJECTED, 3600)


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
