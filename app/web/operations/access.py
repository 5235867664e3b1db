"""Who may open the operations page: readers look, operators also act, nobody else gets in."""

from __future__ import annotations

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.models import Role
from app.web.errors import refuse

bp = Blueprint("operations", __name__)

READING = {"GET", "HEAD", "OPTIONS"}


@bp.before_request
def _let_in() -> ResponseReturnValue | None:
    """Look at every request below /operations before its own function does."""
    if not current_user.is_authenticated:
        abort(401)
    if current_user.role not in set(Role):
        return _forbidden(_("This page is for the people who run this site."))
    if current_user.role == Role.READER and request.method not in READING:
        return _forbidden(_("You may look at everything here, but change nothing."))
    return None


def _forbidden(message: str) -> ResponseReturnValue:
    return refuse(403, "forbidden", message, title=_("Not allowed"))
