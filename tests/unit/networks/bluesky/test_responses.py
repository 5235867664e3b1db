"""What the answers of a Bluesky server mean, as in docs/networks/bluesky.md."""

from __future__ import annotations

import json
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from app.networks.base import OutcomeKind, Scope
from app.networks.bluesky.responses import allowance_left_for, outcome_of, problem_of, reading_of
from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused
from app.networks.http.calls import Response

NOW = "Sat, 21 Nov 2026 12:00:00 GMT"
EPOCH = 1795262400
PAGE = "<html>hello from a gateway</html>"


def answer(status: int, body: Any = None, **headers: str) -> Response:
    """Return an answer as the network would give it."""
    text = body if isinstance(body, str) else json.dumps(body)
    data = None if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, CaseInsensitiveDict({"Date": NOW, **named}), data, text)


def says(word: str, message: str = "because") -> dict[str, str]:
    """Return the protocol's body of an error."""
    return {"error": word, "message": message}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, says("InvalidRequest", "Record/text is too long"), OutcomeKind.REJECTED, "rejected"),
        (400, says("InvalidSwap"), OutcomeKind.REJECTED, "rejected"),
        (400, says("InvalidMimeType"), OutcomeKind.REJECTED, "picture_refused"),
        (400, says("BlobTooLarge"), OutcomeKind.REJECTED, "picture_refused"),
        (400, says("BlobNotFound"), OutcomeKind.LATER, "pictures_gone"),
        (400, says("ExpiredToken"), OutcomeKind.AUTH, "token_refused"),
        (400, says("InvalidToken"), OutcomeKind.AUTH, "token_refused"),
        (400, PAGE, OutcomeKind.REJECTED, "rejected"),
        (400, [], OutcomeKind.REJECTED, "rejected"),
        (401, says("AuthMissing"), OutcomeKind.AUTH, "token_refused"),
        (401, says("AuthenticationRequired"), OutcomeKind.AUTH, "token_refused"),
        (401, says("AccountTakedown"), OutcomeKind.AUTH, "account_inactive"),
        (401, says("AccountDeactivated"), OutcomeKind.AUTH, "account_inactive"),
        (401, PAGE, OutcomeKind.AUTH, "token_refused"),
        (403, says("ScopeMissingError"), OutcomeKind.AUTH, "permission_missing"),
        (403, says("AccountNotFound"), OutcomeKind.AUTH, "permission_missing"),
        (403, PAGE, OutcomeKind.REJECTED, "rejected"),
        (404, PAGE, OutcomeKind.LATER, "unreachable"),
        (405, "", OutcomeKind.LATER, "unreachable"),
        (404, says("XRPCNotSupported"), OutcomeKind.REJECTED, "rejected"),
        (413, says("PayloadTooLarge"), OutcomeKind.REJECTED, "rejected"),
        (429, says("RateLimitExceeded"), OutcomeKind.LATER, "rate_limited"),
        (429, PAGE, OutcomeKind.LATER, "rate_limited"),
        (408, "", OutcomeKind.AMBIGUOUS, "server_error"),
        (500, says("InternalServerError"), OutcomeKind.AMBIGUOUS, "server_error"),
        (500, says("ExpiredToken"), OutcomeKind.AMBIGUOUS, "server_error"),
        (501, says("MethodNotImplemented"), OutcomeKind.AMBIGUOUS, "server_error"),
        (502, says("UpstreamFailure"), OutcomeKind.AMBIGUOUS, "server_error"),
        (503, PAGE, OutcomeKind.AMBIGUOUS, "server_error"),
        (504, says("UpstreamTimeout"), OutcomeKind.AMBIGUOUS, "server_error"),
        (200, PAGE, OutcomeKind.AMBIGUOUS, "garbled_answer"),
        (200, {"uri": "at://someone/else"}, OutcomeKind.AMBIGUOUS, "garbled_answer"),
        (204, "", OutcomeKind.AMBIGUOUS, "garbled_answer"),
        (302, "", OutcomeKind.AMBIGUOUS, "redirected"),
    ],
)
def test_each_answer_has_one_meaning(status: int, body: Any, kind: OutcomeKind, code: str) -> None:
    """Every row of the table, and the same for what a gateway in front of it says."""
    outcome = outcome_of(answer(status, body))
    assert (outcome.kind, outcome.code, outcome.http_status) == (kind, code, status)
    assert outcome.detail


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"ratelimit_reset": str(EPOCH + 90), "ratelimit_remaining": "0"}, 90.0),
        ({"ratelimit_reset": str(EPOCH + 90), "retry_after": "91"}, 91.0),
        ({"retry_after": "Sat, 21 Nov 2026 12:02:00 GMT"}, 120.0),
        ({"ratelimit_reset": str(EPOCH - 5)}, 1.0),
        ({"ratelimit_reset": str(EPOCH + 10**9)}, 86_400.0),
        ({"retry_after": "0"}, 1.0),
        ({"retry_after": "soon", "ratelimit_reset": str(EPOCH + 30)}, 30.0),
        ({"ratelimit_reset": "noon"}, None),
        ({"ratelimit_reset": "inf"}, None),
        ({"ratelimit_reset": "nan"}, None),
        ({}, None),
    ],
)
def test_a_429_says_how_long(headers: dict[str, str], wait: float | None) -> None:
    """Epoch resets, seconds and dates; odd ones say nothing, and none is over a day."""
    outcome = outcome_of(answer(429, says("RateLimitExceeded"), **headers))
    assert (outcome.retry_after, outcome.scope) == (wait, Scope.ACCOUNT)


@pytest.mark.parametrize(
    ("remaining", "pause"), [("0", 60.0), ("2", 60.0), ("3", None), ("4997", None), ("", None)]
)
def test_an_allowance_too_small_for_another_post(remaining: str, pause: float | None) -> None:
    """A create takes three points; with fewer left the account rests until the reset."""
    headers = {"ratelimit_remaining": remaining, "ratelimit_reset": str(EPOCH + 60)}
    assert allowance_left_for(answer(200, {}, **headers)) == pause


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (400, says("ExpiredToken"), TokenRefused),
        (400, says("InvalidToken"), TokenRefused),
        (401, says("AccountTakedown"), TokenRefused),
        (400, says("RepoDeactivated"), LookUpRefused),
        (403, says("Forbidden"), LookUpRefused),
        (401, PAGE, LookUpFailed),
        (404, PAGE, LookUpFailed),
        (429, says("RateLimitExceeded"), LookUpFailed),
        (500, says("InternalServerError"), LookUpFailed),
        (302, "", LookUpFailed),
        (200, PAGE, LookUpFailed),
        (200, [], LookUpFailed),
        (599, "", LookUpFailed),
    ],
)
def test_each_refused_read_has_one_meaning(
    status: int, body: Any, failure: type[Exception]
) -> None:
    """Only the protocol's own words are a definite no; a gateway's say nothing."""
    with pytest.raises(failure):
        reading_of(answer(status, body))


def test_tokens_are_not_repeated() -> None:
    """A server that quotes the token in its refusal does not bring it into our records."""
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkaWQ6cGxjOmEifQ.c2lnbmF0dXJl"
    words = problem_of(answer(400, says("InvalidToken", f"cannot verify {token}")))
    assert words == "InvalidToken: cannot verify …"


@pytest.mark.parametrize("body", [says("Odd", "x" * 9_000), {"error": 5, "message": []}, {}, "", 7])
def test_problems_are_short_words(body: Any) -> None:
    """Whatever a server says fits into a line."""
    assert 0 < len(problem_of(answer(400, body))) <= 300
