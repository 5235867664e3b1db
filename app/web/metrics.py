"""For Prometheus: who may ask, and the answer."""

from __future__ import annotations

import hmac
import ipaddress

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.operations import metrics as numbers
from app.web import rate_limits
from app.web.errors import refuse_as_json

bp = Blueprint("metrics", __name__)


@bp.get("/metrics")
@rate_limits.limiter.exempt
def metrics() -> ResponseReturnValue:
    """Return the numbers, to whoever has the token, or asks from this machine."""
    if not _may_ask():
        return refuse_as_json(403, "forbidden", _("Not allowed"))
    return Response(numbers.text(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _may_ask() -> bool:
    token: str = current_app.config["METRICS_TOKEN"]
    if token:
        said = request.headers.get("Authorization", "")
        return hmac.compare_digest(said.encode(), f"Bearer {token}".encode())
    if "X-Forwarded-For" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
