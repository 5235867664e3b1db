"""Every refusal as one clear sentence: JSON for programs, a page for people."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from flask import Flask, current_app, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue, ResponseValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import AnonymousUserMixin, current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from app.db import rollback_quietly
from app.models import AlreadyBeingSent
from app.web import kept_input, rate_limits, schemas, wanted_pages
from app.web.messages import Refusal, input_refusal

log = logging.getLogger(__name__)

OPEN = {"auth", "assets", "email"}
"""Blueprints whose forms are for people who are not signed in, too."""
_GIVES_BACK: dict[str, Callable[[str], ResponseReturnValue]] = {}
"""By endpoint: what answers a form with another page's token, and gives back what was typed."""


def gives_back(endpoint: str, render: Callable[[str], ResponseReturnValue]) -> None:
    """Answer a form that has another session's token with its own page, not with a refusal.

    :param render: takes the sentence to show, stores nothing, and returns the page with the words.
    """
    _GIVES_BACK[endpoint] = render


def wants_json() -> bool:
    """True when the caller asks for JSON, or sent some."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    explicit = best == "application/json" and (
        request.accept_mimetypes[best] > request.accept_mimetypes["text/html"]
    )
    return request.is_json or explicit


def is_script() -> bool:
    """True when a page's own script asks: a redirect would put the sign-in page into the page."""
    fetched = request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    return fetched or request.headers.get("X-Requested-With") == "XMLHttpRequest"


def signed_out() -> ResponseReturnValue:
    """Answer a script of a page whose session has ended meanwhile."""
    return refuse_as_json(401, "signed_out", _("You are signed out."))


def refuse_as_json(
    status: int, code: str, message: str, field: str | None = None
) -> tuple[ResponseValue, int]:
    """Answer with a status, a code and a sentence what only programs and scripts ask for."""
    return jsonify(error={"code": code, "message": message, "field": field}), status


def refuse(
    status: int,
    code: str,
    message: str,
    *,
    title: str | None = None,
    field: str | None = None,
    next_step: str | None = None,
    action: Mapping[str, str] | None = None,
) -> tuple[ResponseValue, int]:
    """Answer with a status, a code for programs and a sentence for people."""
    if wants_json():
        return refuse_as_json(status, code, message, field)
    page = render_template(
        "shared/problem.html",
        status=status,
        title=title or message,
        message=message,
        next_step=next_step,
        action=action,
        **kept_input.kept(status),
    )
    return page, status


def refuse_with(refusal: Refusal) -> ResponseReturnValue:
    """Answer with words that messages/ has ready."""
    return refuse(**asdict(refusal))


def init_app(app: Flask) -> None:
    """Answer every error in the same way."""
    app.register_error_handler(CSRFError, _on_missing_token)
    app.register_error_handler(schemas.Invalid, _on_invalid)
    app.register_error_handler(AlreadyBeingSent, _on_lost_race)
    app.register_error_handler(SQLAlchemyError, _on_database_away)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_surprise)


def _on_missing_token(_error: CSRFError) -> ResponseReturnValue:
    try:
        return _without_token()
    except Exception as error:  # what is raised in a handler finds no handler by itself
        return current_app.handle_user_exception(error)


def _without_token() -> ResponseReturnValue:
    """Say first who is signed out: the tokens of a session end with it."""
    if not current_user.is_authenticated and request.blueprint not in OPEN:
        rate_limits.count_signed_out()
        return _on_signed_out()
    rate_limits.count_bad_token()
    if kept_input.is_ours() and not wants_json():
        if request.endpoint == "auth.logout" and not current_user.is_authenticated:
            return redirect(url_for("tweets.index"), 303)
        if kept_input.is_by_reader() and (render := _GIVES_BACK.get(request.endpoint or "")):
            return render(
                _("This page was opened before you signed in. Check it and send it again.")
            )
    return refuse(
        400,
        "csrf",
        _("This form is too old or did not come from our page. Nothing was changed."),
        title=_("Please try again"),
        next_step=_("Reload the page and send it again."),
        action={"url": url_for("tweets.index"), "label": _("To the start page")},
    )


def _on_signed_out() -> ResponseReturnValue:
    """Programs get 401, people are led to the sign-in; a form also gives back its words."""
    if wants_json() or is_script():
        return _refuse_with_status(401)
    if request.method in {"GET", "HEAD"}:
        wanted_pages.remember()
        return redirect(url_for("tweets.index"))
    return render_template("shared/signed_out.html", **kept_input.kept()), 401


def _on_invalid(problem: schemas.Invalid) -> ResponseReturnValue:
    rollback_quietly()
    field, code, message = input_refusal(problem)
    return refuse(422, code, message, field=field or None)


def _on_lost_race(error: AlreadyBeingSent) -> ResponseReturnValue:
    return refuse(
        409,
        "already_being_sent",
        _("This tweet is already being sent or is finished. Nothing was changed."),
        title=_("Too late to change it"),
        action={"url": url_for("tweets.index"), "label": _("To your tweets")},
    )


def _on_database_away(error: SQLAlchemyError) -> ResponseReturnValue:
    log.error("the database failed: %s", type(error).__name__)
    rollback_quietly()
    g._login_user = AnonymousUserMixin()  # the page must not ask the database who this is
    return refuse(
        503,
        "database",
        _("Our database does not answer. What was stored before is safe, but this was not stored."),
        title=_("Not available right now"),
        next_step=_("Please try again in a minute."),
    )


def _on_surprise(error: Exception) -> ResponseReturnValue:
    log.error("unexpected error in %s", request.endpoint, exc_info=error)
    rollback_quietly()
    return refuse(
        500,
        "unexpected",
        _("Something went wrong on our side. It was written to our log."),
        title=_("That did not work"),
        next_step=_("Please try again. What was stored before is safe."),
    )


def _on_http_error(error: HTTPException) -> Any:
    status = error.code or 500
    if status < 400:
        return error
    if status == 401:
        return _on_signed_out()
    return *_refuse_with_status(status), _headers_of(error)


def _headers_of(error: HTTPException) -> dict[str, str]:
    """Keep what the error says in headers, such as Retry-After and Allow."""
    if error.code == 429:
        return {"Retry-After": str(rate_limits.seconds_until_allowed())}
    kept = {"Retry-After", "Allow"}
    headers = dict(error.get_headers(request.environ))
    return {name: value for name, value in headers.items() if name in kept}


def _too_often() -> str:
    """Say when it may be tried again."""
    minutes = math.ceil(rate_limits.seconds_until_allowed() / 60)
    if minutes <= 1:
        return _("That was too fast. Wait a moment and try again.")
    return ngettext(
        "That was too often. Try again in %(num)s minute.",
        "That was too often. Try again in %(num)s minutes.",
        minutes,
    )


def _refuse_with_status(status: int) -> tuple[ResponseValue, int]:
    words = {
        400: (_("We could not read that"), _("The request was not complete. Nothing was changed.")),
        401: (_("Signed out"), _("You are signed out. Sign in again to go on.")),
        403: (_("Not allowed"), _("You may not do that.")),
        404: (_("Not found"), _("There is nothing here, or it is not yours.")),
        405: (_("Not possible"), _("That cannot be done with this address.")),
        408: (_("Too slow"), _("Your request took too long to arrive. Nothing was stored.")),
        413: (_("Too large"), _("That is too large to be a tweet. Nothing was stored.")),
        415: (_("We could not read that"), _("Send a form or JSON. Nothing was stored.")),
        429: (_("Slow down"), _too_often() if status == 429 else ""),
    }
    unknown = (_("That did not work"), _("The request could not be answered."))
    title, message = words.get(status, unknown)
    return refuse(status, f"http_{status}", message, title=title)
