"""A person's e-mail address, signing up by a link, and what the links in mails lead to.

Mail scanners open every link, so a GET of one shows a button and changes nothing. Its POST needs
neither a session nor a token of ours: whoever knows the link got the mail.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app import mail
from app.accounts import audit
from app.db import db
from app.mail import addresses
from app.models import EventKind, LinkKind
from app.web import rate_limits, schemas, sessions
from app.web.errors import gives_back, refuse, wants_json
from app.web.i18n import choose_locale
from app.web.messages import input_refusal

bp = Blueprint("email", __name__)
links = Blueprint("email_links", __name__)
"""What mails lead to, without a token of ours."""

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


def _needs_mail(view: View) -> View:
    """Answer only where a mail server is set up."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if not mail.is_offered():
            abort(404)
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value]


@bp.get("/email")
@rate_limits.reads
@login_required
@_needs_mail
def show() -> ResponseReturnValue:
    """Show the address of the person, and the form that changes it."""
    return {"email": _view()} if wants_json() else _page()


@bp.post("/email")
@rate_limits.writes
@login_required
@_needs_mail
def add() -> ResponseReturnValue:
    """Send a link to an address; the answer is the same, whoever has it."""
    try:
        address = _address()
    except schemas.Invalid as problem:
        if wants_json():
            raise
        return _page(error=input_refusal(problem)[2]), 422
    rate_limits.count_mail(address)
    addresses.add(current_user.id, address, choose_locale())
    words = _("We sent a mail to this address. Open the link in it and press the button there.")
    if wants_json():
        return {"email": _view(), "message": words}, 202
    flash(words)
    return redirect(url_for("email.show"), 303)


gives_back("email.add", lambda message: (_page(error=message), 400))


@bp.delete("/email")
@bp.post("/email/remove")
@rate_limits.writes
@login_required
@_needs_mail
def remove() -> ResponseReturnValue:
    """Forget the address."""
    user_id = current_user.id
    try:
        addresses.remove(user_id)
    except addresses.LastWayIn:
        message = _("Your e-mail address is your only way to sign in. Connect an account first.")
        way = {"url": url_for("accounts.index"), "label": _("To your accounts")}
        return refuse(409, "last_way_in", message, title=_("Not removed"), action=way)
    _note(EventKind.EMAIL_REMOVED, user_id)
    if request.method == "DELETE":
        return "", 204
    flash(_("Your address was removed. We send you no more mails."))
    return redirect(url_for("email.show"), 303)


@bp.get("/sign-up")
@rate_limits.reads
@_needs_mail
def sign_up() -> ResponseReturnValue:
    """Show the form that sends a link to sign in."""
    return _sign_up_page()


@bp.post("/sign-up")
@rate_limits.sign_in
@_needs_mail
def begin_sign_up() -> ResponseReturnValue:
    """Send a link that signs in; the answer is the same, known address or not."""
    try:
        address = _address()
    except schemas.Invalid as problem:
        if wants_json():
            raise
        return _sign_up_page(error=input_refusal(problem)[2]), 422
    rate_limits.count_mail(address)
    addresses.begin_sign_up(address, choose_locale())
    words = _("We sent a mail to this address. Open the link in it and press the button there.")
    if wants_json():
        return {"message": words}, 202
    return _done(_("Look into your mail"), words), 202


gives_back("email.begin_sign_up", lambda message: (_sign_up_page(error=message), 400))


@links.get("/email/confirm/<token>")
@rate_limits.sign_in
@_needs_mail
def ask_confirm(token: str) -> ResponseReturnValue:
    """Show the button that confirms an address."""
    link = mail.links.find(token, LinkKind.CONFIRM)
    if link is None:
        return _gone()
    return _ask(
        _("Confirm your e-mail address"),
        _("Is %(address)s yours, and do you want our mails there?", address=link.address),
        _("Confirm this address"),
    )


@links.post("/email/confirm/<token>")
@rate_limits.sign_in
@_needs_mail
def confirm(token: str) -> ResponseReturnValue:
    """Confirm an address."""
    try:
        user_id = addresses.confirm(token)
    except addresses.LinkGone:
        return _gone()
    except addresses.AddressTaken:
        message = _(
            "This address belongs to another person here, perhaps to you with another sign-in. "
            "Nothing was changed. Remove it there first, or use another address."
        )
        return refuse(409, "address_taken", message, title=_("Already in use"))
    _note(EventKind.EMAIL_CONFIRMED, user_id)
    words = _("Your address is confirmed.")
    return {"message": words} if wants_json() else _done(_("Confirmed"), words)


@links.get("/sign-up/<token>")
@rate_limits.sign_in
@_needs_mail
def ask_sign_up(token: str) -> ResponseReturnValue:
    """Show the button that signs in."""
    link = mail.links.find(token, LinkKind.SIGN_UP)
    if link is None:
        return _gone()
    return _ask(
        _("Sign in to Tweet Later"),
        _("You sign in as %(address)s.", address=link.address),
        _("Sign in"),
    )


@links.post("/sign-up/<token>")
@rate_limits.sign_in
@_needs_mail
def finish_sign_up(token: str) -> ResponseReturnValue:
    """Sign in, and make the person if there was none.

    A page of another site must not sign its visitors in as somebody else.
    """
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        abort(403)
    try:
        user_id = addresses.finish_sign_up(token, choose_locale())
    except addresses.LinkGone:
        return _gone()
    sessions.open_for(user_id, None, "")
    if wants_json():
        return {"message": _("You are signed in.")}
    flash(_("You are signed in."))
    return redirect(url_for("tweets.index"), 303)


@links.get("/unsubscribe/<token>")
@rate_limits.reads
@_needs_mail
def ask_unsubscribe(token: str) -> ResponseReturnValue:
    """Show the button that ends a kind of mail."""
    if mail.subscriptions.read(token) is None:
        abort(404)
    return _ask(_("Unsubscribe"), _("We send you no more mails of this kind."), _("Unsubscribe"))


@links.post("/unsubscribe/<token>")
@rate_limits.reads
@_needs_mail
def unsubscribe(token: str) -> ResponseReturnValue:
    """End a kind of mail, and no other; mail programs send this themselves (RFC 8058).

    Those of a large provider come from a few addresses, so it does not count as signing in.
    """
    named = mail.subscriptions.read(token)
    if named is None:
        abort(404)
    mail.subscriptions.switch(named.recipient, named.kind, wanted=False)
    db.session.commit()
    words = _("Done. You get no more mails of this kind.")
    return {"message": words} if wants_json() else _done(_("Unsubscribed"), words)


def _address() -> str:
    """Return the address that was typed, as it is stored; raises Invalid."""
    try:
        return addresses.normalised(schemas.body(schemas.calls.EmailForm).address)
    except addresses.BadAddress as error:
        raise schemas.Invalid("bad_address", "address") from error


def _view() -> dict[str, Any]:
    row = addresses.of(current_user.id)
    return {
        "address": row and row.address,
        "confirmed": bool(row and row.address),
        "waiting": row and row.waiting,
    }


def _page(error: str | None = None) -> str:
    return render_template("email/address.html", email=_view(), typed=_typed(error), error=error)


def _sign_up_page(error: str | None = None) -> str:
    return render_template("email/sign_up.html", typed=_typed(error), error=error)


def _typed(error: str | None) -> str:
    """Return what was typed, when it is given back."""
    return request.form.get("address", "")[: schemas.MAX_ADDRESS] if error else ""


def _ask(title: str, words: str, button: str) -> str:
    return render_template("email/link.html", title=title, words=words, button=button)


def _done(title: str, words: str) -> str:
    return render_template("email/link.html", title=title, words=words, button=None)


def _gone() -> ResponseReturnValue:
    message = _("This link was used already, or it is too old. Nothing was changed.")
    next_step = _("Ask for a new one where you got it.")
    return refuse(410, "link_gone", message, title=_("This link is over"), next_step=next_step)


def _note(kind: EventKind, user_id: int) -> None:
    """Write it to the audit log, without the address."""
    audit.note(kind, sessions.visit(), user_id)
    db.session.commit()
