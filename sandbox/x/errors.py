"""X's refusals: statuses and bodies (docs: X errors)."""

from typing import Any

from flask import Response, jsonify

PROBLEMS = "https://api.twitter.com/2/problems"
NEW_PROBLEMS = "https://api.x.com/2/problems"
TITLES = {
    400: "Invalid Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class XError(Exception):
    """A refusal to answer with: HTTP status and JSON body."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body

    def answer(self) -> Response:
        """The refusal as HTTP."""
        answer = jsonify(self.body)
        answer.status_code = self.status
        return answer


def say(status: int, detail: str | None) -> Response:
    """An HTTP status in X's words."""
    return plain(status, detail).answer()


def plain(status: int, detail: str | None = None) -> XError:
    """The bare problem object that most refusals are."""
    title = TITLES.get(status, "Error")
    return XError(
        status,
        {"title": title, "detail": detail or title, "type": "about:blank", "status": status},
    )


def invalid(message: str, parameter: str, value: Any) -> XError:
    """400: a field or query parameter that X does not take."""
    return XError(
        400,
        {
            "errors": [{"parameters": {parameter: [str(value)]}, "message": message}],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": f"{PROBLEMS}/invalid-request",
        },
    )


def legacy(status: int, code: int, message: str) -> XError:
    """The error list of the first API generation."""
    return XError(status, {"errors": [{"code": code, "message": message}]})


def expired_token() -> XError:
    """401 for an OAuth 1.0a token that was revoked."""
    return legacy(401, 89, "Invalid or expired token.")


def duplicate() -> XError:
    """403: the same text again."""
    return plain(403, "You are not allowed to create a Tweet with duplicate content.")


def too_long() -> XError:
    """403: more than 280 weighted characters."""
    return plain(403, "Your Tweet text is too long.")


def reply_not_allowed() -> XError:
    """403: a self-serve app may answer its user's own posts and those that mention them."""
    detail = "You can only reply to or quote posts where you are mentioned or are the author."
    return XError(
        403,
        {
            "detail": detail,
            "status": 403,
            "title": "Authorization Error",
            "type": f"{NEW_PROBLEMS}/not-authorized-for-resource",
        },
    )


def read_only() -> XError:
    """403: an OAuth 1.0a token without write permission."""
    detail = (
        "Your client app is not configured with the appropriate oauth1 app permissions "
        "for this endpoint."
    )
    return XError(
        403,
        {
            "title": "Forbidden",
            "detail": detail,
            "type": f"{PROBLEMS}/oauth1-permissions",
            "status": 403,
        },
    )


def missing(tweet_id: str, parameter: str) -> XError:
    """404 for one Tweet; its body is also an entry of a lookup's ``errors``."""
    return XError(
        404,
        {
            "title": "Not Found Error",
            "detail": f"Could not find tweet with {parameter}: [{tweet_id}].",
            "type": f"{PROBLEMS}/resource-not-found",
            "resource_type": "tweet",
            "resource_id": tweet_id,
            "parameter": parameter,
            "value": tweet_id,
            "status": 404,
        },
    )


def no_person(person_id: str) -> XError:
    """404 for an account."""
    return plain(404, f"Could not find user with id: [{person_id}].")


def no_credits(form: str) -> XError:
    """402 in its ``old`` or ``new`` body."""
    if form == "new":
        return XError(
            402,
            {
                "detail": "credits depleted",
                "status": 402,
                "title": "Payment Required",
                "type": f"{NEW_PROBLEMS}/credits-depleted",
            },
        )
    detail = "Your enrolled account [1000] does not have any credits to fulfill this request."
    return XError(
        402,
        {
            "title": "CreditsDepleted",
            "detail": detail,
            "type": f"{PROBLEMS}/credits",
            "account_id": 1000,
        },
    )
