"""Upload of a picture in one call, and saying what it shows (docs: X media)."""

import json

from flask import Response, jsonify, request

from sandbox import x_errors
from sandbox.x_auth import Caller
from sandbox.x_media import INVALID, LIFE
from sandbox.x_state import XState

MOST_BYTES = 5_000_000
LONGEST_ALT = 1_000
FIELDS = {"media_category", "media_type", "shared", "additional_owners"}
KINDS = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"RIFF": "image/webp",
    b"GIF8": "image/gif",
}


def upload(state: XState, caller: Caller) -> Response:
    """``POST /2/media/upload`` with the whole picture."""
    source = request.files.get("media")
    category = request.form.get("media_category")
    if request.mimetype != "multipart/form-data" or source is None or set(request.form) - FIELDS:
        raise x_errors.invalid("media is missing", "media", "")
    if category not in {"tweet_image", "tweet_gif"}:
        raise x_errors.invalid("media_category is not valid", "media_category", category)
    data = source.read()
    kind = next((kind for start, kind in KINDS.items() if data.startswith(start)), None)
    if kind is None or request.form.get("media_type", kind) != kind:
        raise x_errors.invalid("media type unrecognized.", "media", "")
    if len(data) > MOST_BYTES:
        raise x_errors.invalid("File size exceeds 5242880 bytes.", "media", "")
    with state.lock:
        state.check_running()
        media = state.media.add(caller.person.id)
    told = {"id": media.id, "media_key": f"3_{media.id}", "size": len(data)}
    return jsonify(data={**told, "expires_after_secs": int(LIFE)})


def describe(state: XState, caller: Caller) -> Response:
    """``POST /2/media/metadata``: what a picture shows, before it is in a Tweet."""
    try:
        body = json.loads(request.get_data())
        media_id, alt = body["id"], body["metadata"]["alt_text"]["text"]
    except (ValueError, KeyError, TypeError) as error:
        raise x_errors.invalid("$: is not valid", "body", "") from error
    if not isinstance(alt, str) or len(alt) > LONGEST_ALT:
        raise x_errors.invalid("alt_text is too long", "metadata.alt_text.text", "")
    with state.lock:
        media = state.media.of(str(media_id), caller.person.id)
        if media is None:
            raise x_errors.invalid(INVALID, "id", media_id)
        media.alt = alt
    return jsonify(data={"id": media_id, "associated_metadata": body["metadata"]})
