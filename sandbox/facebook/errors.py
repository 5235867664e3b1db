"""Facebook's refusals: nearly all of them HTTP 400, told apart by code and subcode."""

import secrets
from typing import Any

from flask import Response, json

APP_THROTTLED, USER_THROTTLED, PAGE_THROTTLED, CUSTOM_THROTTLED = 4, 17, 32, 613
THROTTLE_WORDS = {
    APP_THROTTLED: "(#4) Application request limit reached",
    USER_THROTTLED: "(#17) User request limit reached",
    PAGE_THROTTLED: "(#32) Page request limit reached",
    CUSTOM_THROTTLED: "(#613) Calls to this api have exceeded the rate limit.",
}
DEAD_TOKEN_WORDS = {
    458: "The user has not authorized the application.",
    459: "The user is enrolled in a blocking, logged-in checkpoint.",
    460: "The session has been invalidated because the user changed their password.",
    463: "Session has expired.",
    464: "Sessions for the user are not allowed because the user is not a confirmed user.",
    467: "The session is invalid because the user logged out.",
    492: "The user does not have the role that this Page token was made for.",
    493: "The user's access to data has expired.",
}


class GraphError(Exception):
    """A refusal to answer with."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int = 400,
        subcode: int | None = None,
        kind: str = "OAuthException",
        **more: Any,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.code = code
        self.status = status
        error: dict[str, Any] = {"message": message, "type": kind, "code": code}
        if subcode is not None:
            error["error_subcode"] = subcode
        self.body = {"error": error | more | {"fbtrace_id": "A" + secrets.token_urlsafe(16)}}

    def answer(self) -> Response:
        """The refusal as HTTP."""
        return Response(json.dumps(self.body), self.status, mimetype="application/json")


def say(status: int, detail: str | None = None) -> Response:
    """An HTTP status in Facebook's words."""
    if status == 404:
        return unknown_path().answer()
    if status >= 500:
        return service(status).answer()
    return invalid(detail or "Unsupported request").answer()


def invalid(message: str, subcode: int | None = None) -> GraphError:
    """100: a parameter that Facebook does not take."""
    return GraphError(100, f"(#100) {message}", subcode=subcode, kind="GraphMethodException")


def unknown_path() -> GraphError:
    """2500: there is no such address."""
    return GraphError(2500, "Unknown path components")


def service(status: int = 500) -> GraphError:
    """2: something broke; whether before or after publishing, nobody says."""
    words = "An unexpected error has occurred. Please retry your request later."
    return GraphError(2, words, status=status, is_transient=True)


def no_field(name: str, node: str) -> GraphError:
    """100: there is nothing of that name, or nothing that may be read."""
    return GraphError(
        100, f"(#100) Tried accessing nonexisting field ({name}) on node type ({node})"
    )


def no_such_object(object_id: str) -> GraphError:
    """100/33: it does not exist, or not for this token."""
    words = (
        f"Unsupported request. Object with ID '{object_id}' does not exist, cannot be loaded due "
        "to missing permissions, or does not support this operation."
    )
    return GraphError(100, words, subcode=33, kind="GraphMethodException")


def no_token() -> GraphError:
    """104: nobody calls."""
    return GraphError(104, "An access token is required to request this resource.")


def unknown_token(token: str) -> GraphError:
    """190 without a subcode; quotes the token, as Facebook does."""
    return GraphError(190, f"Malformed access token {token}")


def dead_token(subcode: int) -> GraphError:
    """190 with the reason."""
    words = f"Error validating access token: {DEAD_TOKEN_WORDS[subcode]}"
    return GraphError(190, words, subcode=subcode)


def permission(code: int, name: str) -> GraphError:
    """10 or 200: a permission was not granted."""
    return GraphError(code, f"(#{code}) Requires {name} permission to manage the object")


def not_the_page() -> GraphError:
    """200: only the Page itself may do this."""
    return GraphError(200, "(#200) This has to be done as the Page itself, with its own token.")


def duplicate() -> GraphError:
    """506: equal to the post before."""
    return GraphError(
        506,
        "Duplicate status message",
        subcode=1455006,
        is_transient=False,
        error_user_title="Duplicate Status Update",
        error_user_msg="This status update is identical to the last one you posted.",
    )


def throttled(code: int) -> GraphError:
    """4, 17, 32 or 613. Facebook calls these transient too."""
    return GraphError(code, THROTTLE_WORDS[code], is_transient=True)
