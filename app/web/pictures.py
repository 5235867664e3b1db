"""Pictures on their way into a tweet: sent, described, looked at, taken back."""

from __future__ import annotations

import hashlib
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, abort, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from app import pictures
from app.db import db
from app.models import MAX_PICTURES, Picture, PictureState, User, content
from app.networks import TextProblem
from app.pictures import MAX_BYTES, FileMissing, FilesAway, PictureRefused, accounts_showing
from app.web import rate_limits, schemas
from app.web.errors import refuse_as_json
from app.web.messages import input_refusal, picture_refusal

bp = Blueprint("pictures", __name__)

MAX_ALT = 10_000
"""Characters of a description; each network has a limit of its own below it."""
USUAL_ALT = 1_000
"""Characters of a description while no account is chosen that says how many it takes."""
SHORT_ALT = 400
"""Characters of a description that every network accepts."""
MAX_FILE_NAME = 1000
FORMS = uuid.UUID("6f3a2f0e-6f0b-4c55-9d0c-0a4e0b0f7b5e")
"""Names the pictures that come with plain forms, by what they are and where they stand."""


@bp.errorhandler(RequestEntityTooLarge)
def _too_large(_error: RequestEntityTooLarge) -> ResponseReturnValue:
    return _refuse(413, "picture_too_heavy")


@bp.post("/pictures")
@rate_limits.writes
@login_required
def create() -> ResponseReturnValue:
    """Take a file; a worker makes the picture."""
    file = request.files.get("picture")
    if file is None:
        return _refuse(422, "picture_unknown")
    schemas.only_file("picture")
    try:
        picture = _accept(current_user, file)
    except PictureRefused as refusal:
        status = 413 if refusal.code == "picture_too_heavy" else 422
        return _refuse(status, refusal.code, refusal.name)
    except FilesAway:
        return _refuse(503, "pictures_away")
    return jsonify(view_of(picture)), 201


@bp.get("/pictures/<picture_id>")
@rate_limits.reads
@login_required
def show(picture_id: str) -> ResponseReturnValue:
    """Say how far a picture has come."""
    return jsonify(view_of(_own(picture_id)))


@bp.get("/pictures/<picture_id>/thumb")
@rate_limits.reads
@login_required
def thumb(picture_id: str) -> ResponseReturnValue:
    """Show a picture small, to its owner alone."""
    picture = _own(picture_id)
    try:
        small = pictures.thumb(picture.id)
    except FileMissing:
        abort(404)
    except FilesAway:
        return _refuse(503, "pictures_away")
    return private_webp(small)


def private_webp(data: bytes) -> Response:
    """Answer with a picture that only its owner sees.

    Browsers ask again each time, so that it is not shown once more after signing out.
    """
    response = Response(data, mimetype="image/webp")
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


@bp.patch("/pictures/<picture_id>")
@rate_limits.writes
@login_required
def describe(picture_id: str) -> ResponseReturnValue:
    """Change the description of a picture."""
    picture = _own(picture_id)
    alt = clean_alt(schemas.body(schemas.calls.AltChange).alt)
    try:
        _check_alt(picture, alt)
    except TextProblem as problem:
        return refuse_as_json(422, problem.code, input_refusal(problem)[2], "alt")
    picture.alt = alt
    db.session.commit()
    return jsonify(view_of(picture))


@bp.delete("/pictures/<picture_id>")
@rate_limits.writes
@login_required
def remove(picture_id: str) -> ResponseReturnValue:
    """Take back a picture that belongs to no tweet."""
    if not pictures.discard(_own(picture_id)):
        return _refuse(409, "picture_used")
    return "", 204


def read_form(
    user: User,
    form: MultiDict[str, str],
    files: MultiDict[str, FileStorage],
    part: int = 0,
    submit_id: str | None = None,
) -> tuple[list[str], PictureRefused | TextProblem | None]:
    """Read a part's picture fields: descriptions, files of a plain form, what is dropped.

    :param submit_id: a form that comes twice with the same one gets the same pictures.
    :returns: the ids of the pictures in order, and the first refusal; the ids are good to show in
        the form again either way.
    """
    dropped = set(form.getlist("drop-picture"))
    named = form.getlist(field_of(part))
    picture_ids = [name for name in named if name and name not in dropped]
    typed = {name: form[f"alt-{name}"] for name in picture_ids if f"alt-{name}" in form}
    refused: PictureRefused | TextProblem | None = store_alts(user, typed)
    descriptions = form.getlist(field_of(part, "new-alt"))
    for number, file in enumerate(files.getlist(field_of(part, "picture-files"))):
        if not file.filename:
            continue  # a field that was left alone
        key = submit_id and f"{user.id} {submit_id} {part} {number}"
        try:
            if len(picture_ids) >= MAX_PICTURES:
                raise PictureRefused("too_many_pictures")
            taken = _accept(user, file, key)
        except PictureRefused as refusal:
            return picture_ids, refused or refusal
        except FilesAway:
            return picture_ids, refused or PictureRefused("pictures_away")
        if taken.id not in picture_ids:
            picture_ids.append(taken.id)
        if number < len(descriptions):
            refused = store_alts(user, {taken.id: descriptions[number]}) or refused
    return picture_ids, refused


def field_of(part: int, name: str = "pictures") -> str:
    """Return the name of a form's field for the pictures of a part."""
    return f"{name}-{part}" if part else name


def store_alts(user: User, descriptions: Mapping[str, str]) -> TextProblem | None:
    """Store what pictures of this user are said to show.

    :returns: why one was not stored; one that no tweet waits with is, so that it is shown again.
    """
    refused = None
    for picture in _of(user, list(descriptions)):
        alt = clean_alt(descriptions[picture.id])
        try:
            _check_alt(picture, alt)
        except TextProblem as problem:
            refused = refused or problem
            if picture.claimed:
                continue
        picture.alt = alt
    db.session.commit()
    return refused


def _check_alt(picture: Picture, alt: str) -> None:
    """Refuse a description that is too long, also for an account that will show it.

    :raises TextProblem: ``alt_too_long``.
    """
    if len(alt) > MAX_ALT:
        raise TextProblem(
            "alt_too_long", length=len(alt), limit=MAX_ALT, network="", field="pictures"
        )
    if not picture.claimed or len(alt) <= SHORT_ALT:
        return
    for account in accounts_showing(picture.id):
        network = current_app.extensions["networks"][account.network]
        about = {"network": network.title, "handle": account.handle, "field": "pictures"}
        content.check_description(len(alt), content.limits_of(account, network), about)


def views_of(user: User, picture_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return what pages show of these pictures of this user, in this order."""
    found = {picture.id: view_of(picture) for picture in _of(user, picture_ids)}
    return [found[picture_id] for picture_id in picture_ids if picture_id in found]


def view_of(picture: Picture) -> dict[str, Any]:
    """Return what pages and programs see of a picture."""
    has_thumb = picture.state in {PictureState.READY, PictureState.PAST}
    code = picture.error_code
    return {
        "id": picture.id,
        "state": picture.state,
        "alt": picture.alt,
        "width": picture.width,
        "height": picture.height,
        "url": url_for("pictures.show", picture_id=picture.id),
        "thumb_url": url_for("pictures.thumb", picture_id=picture.id) if has_thumb else None,
        "error": {"code": code, "message": picture_refusal(code)} if code else None,
    }


def clean_alt(text: str) -> str:
    """Return a description without control characters and extra spaces; line ends stay."""
    return "\n".join(map(_clean_line, text.splitlines())).strip()


def _clean_line(text: str) -> str:
    shown = "".join(c if unicodedata.category(c) not in {"Cc", "Cs"} else " " for c in text)
    return " ".join(shown.split())


def _accept(user: User, file: FileStorage, key: str | None = None) -> Picture:
    name = _clean_line((file.filename or "")[:MAX_FILE_NAME])[:100]
    data = file.stream.read(MAX_BYTES + 1)
    same = key and f"{key} {hashlib.sha256(data).hexdigest()}"
    return pictures.accept(user, data, name, same and str(uuid.uuid5(FORMS, same)))


def _own(picture_id: str) -> Picture:
    """Return the signed-in user's own picture; somebody else's does not exist."""
    found = _of(current_user, [picture_id])
    if not found:
        abort(404)
    return found[0]


def _of(user: User, picture_ids: Sequence[str]) -> list[Picture]:
    wanted = list(filter(schemas.PICTURE_ID.fullmatch, picture_ids))
    if not wanted:
        return []
    query = db.select(Picture).where(Picture.id.in_(wanted), Picture.user_id == user.id)
    return list(db.session.scalars(query))


def _refuse(status: int, code: str, name: str = "") -> ResponseReturnValue:
    return refuse_as_json(status, code, picture_refusal(code, name), "pictures")
