"""Whether and what we learn from an account, and what was imported of it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app.db import db
from app.learning import consent, items, overview
from app.models import Account, LearnedItem
from app.networks import AsksForMore, ConnectRefused, LookUpFailed, ReadKind
from app.web import concurrency, consents, messages, rate_limits, schemas
from app.web.context import networks
from app.web.errors import refuse, refuse_with, wants_json
from app.web.i18n import iso_utc

bp = Blueprint("learning", __name__)

KINDS = {"post": ReadKind.POSTS, "like": ReadKind.LIKES, "follow": ReadKind.FOLLOWS}
NAMES = {kind: name for name, kind in KINDS.items()}


@bp.get("/accounts/<int:account_id>/learning")
@rate_limits.reads
@login_required
def show(account_id: int) -> ResponseReturnValue:
    """Show whether and what is learnt from an account, and ask."""
    account = own(account_id)
    found = overview.of_account(account)
    if wants_json():
        return jsonify(learning=as_json(found))
    return render_template("learning/account.html", **as_shown(found))


@bp.post("/accounts/<int:account_id>/learning")
@rate_limits.writes
@login_required
def agree(account_id: int) -> ResponseReturnValue:
    """Take the owner's consent, and ask the network where it has to give wider access."""
    account, (caps, reads) = own(account_id), _chosen()
    try:
        is_granted = consent.agree(account, caps, reads)
    except consent.CannotRead as problem:
        return _cannot_read(account, problem)
    return _asked_network(account_id, is_granted)


@bp.patch("/accounts/<int:account_id>/learning")
@rate_limits.writes
@login_required
def change(account_id: int) -> ResponseReturnValue:
    """Say otherwise what is read, and how much."""
    account, given = own(account_id), schemas.body(schemas.calls.LearnChange)
    if given.caps is None and given.reads is None:
        raise schemas.Invalid("nothing_to_change")
    try:
        consent.change(account, given.caps.given() if given.caps else None, given.reads)
    except consent.CannotRead as problem:
        return _cannot_read(account, problem)
    except consent.Off:
        return _off()
    return jsonify(learning=as_json(overview.of_account(own(account_id))))


@bp.post("/accounts/<int:account_id>/learning/import")
@rate_limits.writes
@login_required
def import_now(account_id: int) -> ResponseReturnValue:
    """Begin an import now."""
    account, asked = own(account_id), schemas.body(schemas.calls.ImportNow)
    try:
        consent.import_now(account, asked.full)
    except consent.Off:
        return _off()
    except consent.Running:
        return refuse(
            409,
            "importing",
            _("An import is under way. Wait until it has ended."),
            action=_back(account_id),
        )
    if wants_json():
        return jsonify(learning=as_json(overview.of_account(own(account_id)))), 202
    return redirect(url_for("learning.show", account_id=account_id), 303)


@bp.delete("/accounts/<int:account_id>/learning")
@rate_limits.writes
@login_required
def switch_off(account_id: int) -> ResponseReturnValue:
    """Learn nothing more, and forget what was imported if that is wished."""
    own(account_id)
    consent.switch_off(account_id, schemas.query(schemas.calls.ForgetQuery).forget)
    return jsonify(learning=as_json(overview.of_account(own(account_id))))


@bp.post("/accounts/<int:account_id>/learning/off")
@rate_limits.writes
@login_required
def switch_off_by_form(account_id: int) -> ResponseReturnValue:
    """The same as a form: ``forget`` is 1 or 0."""
    own(account_id)
    forget = schemas.body(schemas.calls.ForgetQuery).forget
    consent.switch_off(account_id, forget)
    gone = _("Everything that was imported is deleted.")
    flash(
        gone if forget else _("Nothing more is read. What was imported stays until you delete it.")
    )
    return redirect(url_for("learning.show", account_id=account_id), 303)


@bp.get("/accounts/<int:account_id>/learned")
@rate_limits.reads
@login_required
def learned(account_id: int) -> ResponseReturnValue:
    """Show what was imported, the latest first."""
    account, asked = own(account_id), schemas.query(schemas.calls.LearnedQuery)
    kind = KINDS[asked.kind] if asked.kind else None
    found = items.listed(account_id, kind, asked.q or "", asked.before)
    views = [_item(one, found.jobs.get(one.remote_id)) for one in found.items]
    if wants_json():
        told = [
            {**view, "created_at": view["created_at"] and iso_utc(view["created_at"])}
            for view in views
        ]
        return jsonify(items=told, total=found.total, next=found.following)
    return render_template(
        "learning/learned.html",
        account=account,
        network=networks()[account.network],
        items=views,
        total=found.total,
        following=found.following,
        asked=asked,
    )


@bp.delete("/accounts/<int:account_id>/learned/<int:item_id>")
@rate_limits.writes
@login_required
def delete(account_id: int, item_id: int) -> ResponseReturnValue:
    """Delete an imported item here, for ever."""
    _delete(account_id, item_id)
    return "", 204


@bp.post("/accounts/<int:account_id>/learned/<int:item_id>/delete")
@rate_limits.writes
@login_required
def delete_by_form(account_id: int, item_id: int) -> ResponseReturnValue:
    """The same as a form."""
    _delete(account_id, item_id)
    flash(_("Deleted here. It is not imported again."))
    return redirect(url_for("learning.learned", account_id=account_id), 303)


def _delete(account_id: int, item_id: int) -> None:
    own(account_id)
    if item_id > schemas.LARGEST_ID or not items.delete(account_id, item_id):
        abort(404)


def own(account_id: int) -> Account:
    """Return the signed-in user's own connected account; any other does not exist."""
    found = next((one for one in current_user.accounts if one.id == account_id), None)
    if found is None:
        abort(404)
    return found


def _chosen() -> tuple[dict[str, int], list[str] | None]:
    """Return the caps and, of a form, the lists that the owner chose."""
    if request.is_json:
        caps = schemas.body(schemas.calls.Learn).caps
        return (caps.given() if caps else {}), None
    typed = schemas.form(schemas.calls.LearnForm)
    if not typed.reads:
        raise schemas.Invalid("nothing_chosen", "reads")
    told = {"posts": typed.posts, "likes": typed.likes, "follows": typed.follows}
    return {kind: cap for kind, cap in told.items() if cap is not None}, list(typed.reads)


def _asked_network(account_id: int, is_granted: bool) -> ResponseReturnValue:
    """Answer with what is learnt from now on; where the network has to be asked, lead there."""
    account = own(account_id)
    address: str | None = None
    if not is_granted:
        try:
            address = _consent_page(account)
        except (ConnectRefused, LookUpFailed, concurrency.TooManyAsking) as problem:
            return _not_asked(account, problem)
    if wants_json():
        told = as_json(overview.of_account(own(account_id)))
        return jsonify(learning=told, authorize_url=address), 202
    return redirect(address or url_for("learning.show", account_id=account_id), 303)


def _consent_page(account: Account) -> str:
    """Return where the network asks the owner for wider access."""
    site = networks()[account.network]
    assert isinstance(site, AsksForMore)
    reads = [ReadKind(kind) for kind in overview.of_account(account).reads]
    account_id, name, credentials = account.id, account.server, account.credentials
    uri = consents.redirect_uri(site.name)
    db.session.commit()  # the network may take long: no transaction stays open meanwhile
    with concurrency.asking(site.name, name):
        begun = site.begin_reading(credentials, reads, uri)
    known = {"network": site.name, "signing_in": False, "learning": account_id}
    consents.remember({**begun.memory, **known})
    return begun.url


def _not_asked(account: Account, problem: Exception) -> ResponseReturnValue:
    site = networks()[account.network]
    if isinstance(problem, ConnectRefused):
        return refuse_with(messages.connect.refused(site, problem))
    if isinstance(problem, LookUpFailed):
        return refuse_with(messages.connect.no_answer(site, problem))
    return refuse_with(messages.connect.crowded(site))


def _cannot_read(account: Account, problem: consent.CannotRead) -> ResponseReturnValue:
    title = networks()[account.network].title
    words = _("%(network)s has no such list to read.", network=title)
    return refuse(422, "no_such_list", words, field=problem.kind, action=_back(account.id))


def _off() -> ResponseReturnValue:
    return refuse(409, "off", _("Nothing is read of this account. Agree to it first."))


def _back(account_id: int) -> dict[str, str]:
    return {"url": url_for("learning.show", account_id=account_id), "label": _("Back")}


def as_json(found: overview.Overview) -> dict[str, Any]:
    """Return ``learning`` as docs/http.md describes it."""
    used = found.used
    return {
        "state": found.state,
        "reads": list(found.reads),
        "caps": found.caps,
        "estimate_usd": found.estimate_usd,
        "used": {"month": used.month, **used.by_kind, "usd": used.usd or 0},
        "found": dict(found.found),
        "last_run_at": iso_utc(found.last_run_at) if found.last_run_at else None,
        "next_run_at": iso_utc(found.next_run_at) if found.next_run_at else None,
        "error": _error(found),
    }


def _error(found: overview.Overview) -> dict[str, str] | None:
    title = networks()[found.account.network].title
    told = messages.learning.import_error(found.error_code, title)
    if told is None or found.error_code is None:
        return None
    return {"code": found.error_code, "message": told[0], "next_step": told[1]}


def as_shown(found: overview.Overview) -> dict[str, Any]:
    """Return what the pages say of an account."""
    return {
        "learning": found,
        "account": found.account,
        "network": networks()[found.account.network],
        "found": messages.learning.found_words(found.found, _told(found)),
        "error": _error(found),
        "prices": networks()[found.account.network].read_prices,
    }


def _told(found: overview.Overview) -> list[str]:
    """Return the lists of which something was found, or is looked for."""
    return [kind for kind in found.can_read if kind in found.reads or found.found[kind]]


def _item(one: LearnedItem, job: items.Job | None) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": NAMES[ReadKind(one.kind)],
        "remote_id": one.remote_id,
        "text": one.text,
        "author": one.author,
        "url": one.url,
        "created_at": one.created_at,
        "tweet_id": job.tweet_id if job else None,
        "job_id": job.job_id if job else None,
    }
