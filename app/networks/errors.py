"""What calls to a network raise when they do not end as wished."""

from __future__ import annotations

from app import untrusted

DAY_SECONDS = 86_400.0


def wait_in_bounds(seconds: float | None) -> float | None:
    """Return seconds to wait, from none to a day; None for what is no number.

    Nothing that a network asks for lasts longer than a day without being asked again.
    """
    if seconds is None or seconds != seconds:
        return None
    return min(DAY_SECONDS, max(0.0, float(seconds)))


class NetworkError(Exception):
    """Its words may be the network's own, so they are bounded."""

    def __init__(self, *words: object) -> None:
        super().__init__(*map(untrusted.detail, words))


class Refusal(NetworkError):
    """A definite no: ``code`` is one of our own words, ``detail`` the network's."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = untrusted.detail(detail)


class ConnectRefused(Refusal):
    """Connecting ended without an account; app/web/messages/connect.py knows the codes."""


class UploadRefused(Refusal):
    """The network does not take this picture."""


class QuoteRefused(Refusal):
    """The post that is to be quoted is gone, or its author lets nobody quote it."""


class LookUpFailed(NetworkError):
    """There was no usable response, and nothing changed.

    ``retry_after``: seconds for which the network asks us to stay away, None when it does not say.
    ``unanswered``: the call was made and its answer was lost, so it may have cost something.
    """

    def __init__(
        self, detail: str = "", retry_after: float | None = None, *, unanswered: bool = False
    ) -> None:
        super().__init__(detail)
        self.retry_after = wait_in_bounds(retry_after)
        self.unanswered = unanswered


class CursorLost(LookUpFailed):
    """The network no longer knows the cursor of a page: begin again at the latest items."""


class LookUpRefused(NetworkError):
    """The network does not let us read: a person must decide.

    ``code``: ``not_allowed``, or ``no_credits`` where reading costs and is not paid for.
    """

    def __init__(self, *words: object, code: str = "not_allowed") -> None:
        super().__init__(*words)
        self.code = code


class TokenRefused(NetworkError):
    """The refresh token or the access token is dead: only the account's owner can help."""


class RefreshUnclear(LookUpFailed):
    """The response to a refresh was lost, so the old token may be spent.

    It is not spent where the network asks us to stay away (``retry_after``).
    """


class AppRefused(NetworkError):
    """The network refuses this app itself (wrong secret, suspended): its operator must help."""
