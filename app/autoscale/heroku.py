"""Starts and stops worker dynos over Heroku's Platform API."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote

from app.autoscale.driver import Driver, ScalingFailed
from app.networks import http, seconds_until
from app.untrusted import MAX_DETAIL

SECONDS = 10.0
"""For one call: shorter than the lease of the process that makes it."""
UNSTATED_WAIT = 60.0
"""Seconds to wait when there were too many calls, and Heroku does not say how long."""
MAX_WAIT = 3_600.0
ACCEPT = "application/vnd.heroku+json; version=3"


class HerokuDriver(Driver):
    """Sets the quantity of the process type ``worker`` in an app's formation."""

    name: ClassVar[str] = "heroku"

    def __init__(self, api_url: str, app_name: str, api_key: str, timeout: float = SECONDS) -> None:
        self._url = f"{api_url}/apps/{quote(app_name, safe='')}/formation/worker"
        self._timeout = timeout
        # In a header that no error and no log quotes.
        self._headers = http.Headers({"Accept": ACCEPT}, bearer=api_key)

    def scale(self, count: int) -> None:
        """Set the quantity.

        :raises ScalingFailed: Heroku refuses it, or does not answer.
        """
        self._call("PATCH", json={"quantity": count})

    def count(self) -> int | None:
        """Return the quantity, which people can change, too.

        :raises ScalingFailed: Heroku refuses to say it, or does not answer.
        """
        told = self._call("GET").data
        quantity = told.get("quantity") if isinstance(told, dict) else None
        return quantity if isinstance(quantity, int) and quantity >= 0 else None

    def _call(self, method: str, **content: Any) -> http.Response:
        try:
            answer = http.call(
                method, self._url, timeout=self._timeout, auth=self._headers, **content
            )
        except http.NotSent as error:
            raise ScalingFailed(f"Heroku cannot be reached: {error}"[:MAX_DETAIL]) from None
        except http.NoResponse as error:
            reason = f"Heroku does not answer: {error}"[:MAX_DETAIL]
            raise ScalingFailed(reason, outcome_is_known=False) from None
        if not 200 <= answer.status < 300:
            raise _refusal(answer)
        return answer


def _refusal(answer: http.Response) -> ScalingFailed:
    told = answer.data.get("id") if isinstance(answer.data, dict) else None
    reason = f"Heroku answers {answer.status} {told or ''}".strip()[:MAX_DETAIL]
    wait = _seconds_to_wait(answer) if answer.status == 429 else 0
    return ScalingFailed(reason, retry_after=wait, outcome_is_known=answer.status < 500)


def _seconds_to_wait(answer: http.Response) -> float:
    told = seconds_until(answer, answer.header("Retry-After"))
    return UNSTATED_WAIT if told is None else min(MAX_WAIT, max(1.0, told))
