"""Drafts over HTTP: kept while they are written, listed, made into tweets and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app import planning, sentences
from app.db import db
from app.models import Account, Draft, DuplicateText, StoredTweet, Tweet, draft
from app.planning import DraftGone
from app.web import rate_limits, schemas
from app.web.context import networks
from app.web.errors import gives_back, refuse, refuse_as_json, wants_json
from app.web.i18n import iso_utc
from app.web.messages import REFUSALS, input_refusal
from app.web.tweets import forms, routes

bp = Blueprint("drafts", __name__)

PAGE = 50
SHOWN = 200
"""Characters of a draft's text in the list."""
TRIES = 3
"""How often a draft that is changed at the same moment is read again before it is a tweet."""


def _on_refusal(problem: Exception) -> ResponseReturnValue:
    """Say what is wrong with the input; nothing was changed."""
    db.session.rollback()
    field, code, message = input_refusal(problem)
    return refuse(422, code, message, field=field or None)


for _kind in REFUSALS:
    bp.register_error_handler(_kind, _on_refusal)


@bp.errorhandler(DuplicateText)
def _on_duplicate(problem: DuplicateText) -> ResponseReturnValue:
    return routes.refuse_duplicate(problem.duplicate)


@bp.errorhandler(DraftGone)
def _on_change(_problem: DraftGone) -> ResponseReturnValue:
    return refuse(409, "conflict", _("This draft was changed elsewhere."))


@bp.get("/drafts")
@rate_limits.reads
@login_required
def index() -> ResponseReturnValue:
    """List one's drafts, the newest first."""
    asked = schemas.query(schemas.planning.DraftsQuery)
    found = draft.listed(current_user.id, asked.before, PAGE + 1)
    shown, following = found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None
    if wants_json():
        return {"drafts": [view_of(row) for row in shown], "next": following}
    return render_template("drafts/index.html", drafts=_cards(shown), next=following)


@bp.post("/drafts")
@rate_limits.writes
@login_required
def create() -> ResponseReturnValue:
    """Keep what is written. A form may name the draft that it changes."""
    form = forms.read_draft()
    if wants_json():
        return _created(_begun(form))
    forms.remember_zone(form["timezone"])
    try:
        row, is_stored = _kept(form)
    except REFUSALS as problem:
        return _refused(form, problem)
    if not is_stored:
        anew = {"draft": None, "draft_version": None, "submit_id": forms.empty()["submit_id"]}
        return routes.composer(form | forms.shown_again(form) | anew | {"elsewhere": row.id}), 409
    flash(_("Saved as a draft."))
    return redirect(url_for("tweets.index", draft=row.id), 303)


def _begun(form: dict[str, Any]) -> Draft:
    if form["refusal"]:
        raise form["refusal"]
    return _begin(form["submit_id"], forms.written(form))


def _begin(submit_id: str | None, written: dict[str, Any]) -> Draft:
    return planning.drafts.begin(current_user.id, written, submit_id)


def _kept(form: dict[str, Any]) -> tuple[Draft, bool]:
    """Store a plain form as a new draft, or as what its draft says now; False if it was changed."""
    if form["refusal"]:
        raise form["refusal"]
    row = form["draft"] and draft.own(current_user.id, form["draft"])
    if not row:
        return _begin(form["submit_id"], forms.written(form)), True
    said, seen = forms.written(form, row), [form["draft_version"] or 0]
    is_stored = row.written == said or planning.drafts.replace(row, seen, said)
    return row, is_stored


def _refused(form: dict[str, Any], problem: Exception) -> ResponseReturnValue:
    db.session.rollback()
    field, _code, message = input_refusal(problem)
    account_ids = [account.id for account in current_user.accounts]
    shown_at = forms.field_shown(form["refused_at"] or field, form, account_ids)
    again = {"errors": {shown_at: message}} | forms.shown_again(form)
    return routes.composer(form | again), 422


def _old_form(message: str) -> ResponseReturnValue:
    """Give back what was written in a page of another session, to be kept from here."""
    form = forms.read_draft(schemas.Invalid("old_form", ""))
    form |= {"submit_id": form["submit_id"] or forms.empty()["submit_id"]}
    return routes.composer(form | {"errors": {"": message}} | forms.shown_again(form)), 400


gives_back("drafts.create", _old_form)


@bp.get("/drafts/<int:draft_id>")
@rate_limits.reads
@login_required
def show(draft_id: int) -> ResponseReturnValue:
    """Answer with one draft; people are led to the composer with it."""
    row = routes.own_draft(draft_id)
    if not wants_json():
        return redirect(url_for("tweets.index", draft=row.id))
    return _answer(row)


@bp.put("/drafts/<int:draft_id>")
@rate_limits.writes
@login_required
def replace(draft_id: int) -> ResponseReturnValue:
    """Replace all that a draft says, if it is still the version that its writer has seen."""
    row = routes.own_draft(draft_id)
    if not request.if_match:
        message = _("Say which version you change, in the header If-Match.")
        return refuse_as_json(428, "version_missing", message)
    form = forms.read_draft()
    if form["refusal"]:
        raise form["refusal"]
    said = forms.written(form, None if request.is_json else row)
    is_stored = planning.drafts.replace(row, _seen(), said)
    now = routes.own_draft(draft_id)  # it may be gone by now
    if is_stored:
        return _answer(now)
    error = {"code": "conflict", "message": _("This draft was changed elsewhere."), "field": None}
    return _answer(now, 412, error=error)


def _seen() -> list[int] | None:
    """Return the versions that the request names; None for any."""
    if request.if_match.star_tag:
        return None
    tags = request.if_match.as_set(include_weak=True)
    return [int(tag) for tag in tags if tag.isascii() and tag.isdigit() and len(tag) < 10]


@bp.delete("/drafts/<int:draft_id>")
@rate_limits.writes
@login_required
def delete(draft_id: int) -> ResponseReturnValue:
    """Delete a draft for good."""
    planning.drafts.discard(routes.own_draft(draft_id))
    return "", 204


@bp.post("/drafts/<int:draft_id>/delete")
@rate_limits.writes
@login_required
def remove(draft_id: int) -> ResponseReturnValue:
    """Delete a draft for good, as a form."""
    planning.drafts.discard(routes.own_draft(draft_id))
    flash(_("The draft was deleted."))
    return redirect(url_for("drafts.index"), 303)


@bp.post("/drafts/<int:draft_id>/schedule")
@rate_limits.writes
@login_required
def schedule(draft_id: int) -> ResponseReturnValue:
    """Make a draft a tweet: in one transaction it is stored, and the draft is gone."""
    key = schemas.key_in_header()
    submit_id = f"draft {draft_id}" if key is None else f"draft {draft_id} {key}"
    if key is not None and (stored := _scheduled_before(submit_id)):
        return routes.accepted(stored)
    row = routes.own_draft(draft_id)
    given = schemas.body(schemas.planning.ScheduleDraft)
    return routes.accepted(_scheduled(row, given, submit_id))


def _scheduled_before(submit_id: str) -> StoredTweet | None:
    mine = (Tweet.user_id == current_user.id, Tweet.submit_id == submit_id)
    tweet = db.session.scalar(db.select(Tweet).where(*mine))
    return tweet and StoredTweet.of(tweet)


def _scheduled(row: Draft, given: schemas.planning.ScheduleDraft, submit_id: str) -> StoredTweet:
    """Store the tweet; read the draft again while it is changed at the same moment."""
    at = _time_of(given)
    user_id, draft_id = current_user.id, row.id
    for _try in range(TRIES):
        ends = partial(planning.drafts.end_for_good, user_id, draft_id, row.version)
        form = forms.of_draft(row) | {
            "allow_duplicate": given.allow_duplicate is True,
            "queue": given.queue is True,
        }
        try:
            return routes.store(form, at, submit_id, ends)
        except DraftGone:
            row = routes.own_draft(draft_id)
    raise DraftGone


def _time_of(given: schemas.planning.ScheduleDraft) -> Any:
    """Return when a draft is due as a tweet, None for the queue; raises Invalid, WhenProblem."""
    if given.queue and given.when is not None:
        raise schemas.Invalid("queue_or_time", "when")
    if given.queue:
        return None
    return forms.time_said(given.when or "", given.shown_at)


@bp.post("/tweets/<int:tweet_id>/draft")
@rate_limits.writes
@login_required
def take_back(tweet_id: int) -> ResponseReturnValue:
    """Cancel a tweet that waits and keep it as a draft, as one step."""
    tweet, key = routes.own(tweet_id), schemas.key_in_header()
    row = planning.drafts.from_tweet(tweet, current_user.zone, key)
    if wants_json():
        return _created(row)
    flash(_("Cancelled, and kept as a draft."))
    return redirect(url_for("tweets.index", draft=row.id), 303)


def _created(row: Draft) -> ResponseReturnValue:
    return _answer(row, 201)


def _answer(row: Draft, status: int = 200, **beside: Any) -> ResponseReturnValue:
    answer = jsonify(**beside, draft=view_of(row))
    answer.set_etag(str(row.version))
    return answer, status


def view_of(row: Draft) -> dict[str, Any]:
    """Return a draft as programs see it; what they send back has the same shape."""
    parts = [_part(part) for part in row.parts]
    return {
        "id": row.id,
        "version": row.version,
        "text": parts[0]["text"],
        "parts": parts,
        "variants": {str(key): _variant(own, parts) for key, own in row.variants.items()},
        "pictures": parts[0]["pictures"],
        "accounts": row.accounts,
        "options": row.options,
        "when": row.when,
        "timezone": row.timezone,
        "updated_at": iso_utc(row.updated_at),
        **({"signature": row.signature} if row.signature else {}),
    }


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": part["text"], "pictures": list(part["pictures"] or ())}


def _variant(
    own: Sequence[Mapping[str, Any]], shared: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a variant as ``POST /tweets`` takes it: words alone show the shared pictures."""
    if len(own) == 1 and own[0]["pictures"] is None:
        return {"text": own[0]["text"]}
    return {"parts": [_part(part) for part in forms.filled(own, shared)]}


def _cards(rows: Sequence[Draft]) -> list[dict[str, Any]]:
    """Return what the page shows of each draft."""
    named = {account_id for row in rows for account_id in row.accounts}
    mine = (Account.id.in_(named), Account.user_id == current_user.id)
    known = {one.id: one for one in db.session.scalars(db.select(Account).where(*mine))}
    titles = networks()
    return [
        {
            "id": row.id,
            "text": sentences.shortened(" ".join(part["text"] for part in row.parts), SHOWN),
            "parts": len(row.parts),
            "pictures": sum(len(part["pictures"] or ()) for part in row.parts),
            "accounts": [
                (known[one].handle, titles[known[one].network].title)
                for one in row.accounts
                if one in known
            ],
            "when": row.when,
            "updated_at": row.updated_at,
        }
        for row in rows
    ]
