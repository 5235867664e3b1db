"""The headers that X puts on every answer of its API (docs: X errors)."""

from uuid import uuid4

from flask import Response, g

VERSION = "2.167"


def add_headers(answer: Response) -> Response:
    """Put on rate limits (``g.limit_headers``), access level and the ids that X adds."""
    answer.headers.update(getattr(g, "limit_headers", {}))
    if hasattr(g, "access_level"):
        answer.headers["x-access-level"] = g.access_level
    answer.headers["x-transaction-id"] = uuid4().hex[:16]
    answer.headers["api-version"] = VERSION
    return answer
