"""Upload of a picture in one call or in pieces, and saying what it shows (docs: X media)."""

import json
from typing import Any

from flask import Response, jsonify, request

from sandbox.x import errors
from sandbox.x.calls import Caller
from sandbox.x.posts import INVALID_MEDIA, MEDIA_LIFE
from sandbox.x.records import Media
from sandbox.x.state import XState

MAX_BYTES = 5_000_000
MAX_GIF_BYTES = 15_000_000
MAX_SEGMENT_BYTES = 5_000_000
MAX_SEGMENTS = 1_000
MAX_FRAMES = 350
MAX_WIDTH, MAX_HEIGHT = 1_280, 1_080
WORK = 0.3
"""Seconds for which a picture that moves is worked on."""
MAX_ALT = 1_000
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
        raise errors.invalid("media is missing", "media", "")
    if category != "tweet_image":
        raise errors.invalid("media_category is not valid", "media_category", category)
    data = source.read()
    kind = next((kind for start, kind in KINDS.items() if data.startswith(start)), None)
    if kind == "image/gif":
        raise errors.invalid("A GIF comes in pieces.", "media", "")
    if kind is None or request.form.get("media_type", kind) != kind:
        raise errors.invalid("media type unrecognized.", "media", "")
    if len(data) > MAX_BYTES:
        raise errors.invalid("File size exceeds 5242880 bytes.", "media", "")
    with state.lock:
        state.check_running()
        media = state.media.add(caller.person.id)
    told = {"id": media.id, "media_key": f"3_{media.id}", "size": len(data)}
    return jsonify(data={**told, "expires_after_secs": int(MEDIA_LIFE)})


def initialize(state: XState, caller: Caller) -> Response:
    """``POST /2/media/upload/initialize``: announces a picture that comes in pieces."""
    try:
        body = json.loads(request.get_data())
        kind, category, total = (body[n] for n in ("media_type", "media_category", "total_bytes"))
    except (ValueError, KeyError, TypeError) as error:
        raise errors.invalid("$: is not valid", "body", "") from error
    if (kind, category) != ("image/gif", "tweet_gif"):  # nothing else is played here
        raise errors.invalid("media_category is not valid", "media_category", category)
    if type(total) is not int or not 0 < total <= MAX_GIF_BYTES:
        raise errors.invalid("File size exceeds 15728640 bytes.", "total_bytes", total)
    with state.lock:
        state.check_running()
        media = state.media.add(caller.person.id, moves=True)
        media.total, media.is_complete = total, False
    return _told(media)


def append(state: XState, caller: Caller, media_id: str) -> Response:
    """``POST /2/media/upload/{id}/append``: the next piece."""
    source, number = request.files.get("media"), request.form.get("segment_index", "")
    if source is None or not number.isdigit() or int(number) >= MAX_SEGMENTS:
        raise errors.invalid("segment_index or media is missing", "segment_index", number)
    data = source.read()
    if not 0 < len(data) <= MAX_SEGMENT_BYTES:
        raise errors.invalid("the segment is too large", "media", "")
    with state.lock:
        media = _own(state, caller, media_id)
        if media.is_complete:
            raise errors.invalid(INVALID_MEDIA, "id", media_id)
        media.segments[int(number)] = data
    return jsonify(data={"expires_at": int(media.expires_at)})


def finalize(state: XState, caller: Caller, media_id: str) -> Response:
    """``POST /2/media/upload/{id}/finalize``: all has come, the work on it begins."""
    with state.lock:
        media = _own(state, caller, media_id)
        data = b"".join(media.segments[number] for number in sorted(media.segments))
        if set(media.segments) != set(range(len(media.segments))) or len(data) != media.total:
            raise errors.invalid("Segments do not add up to provided total file size.", "id", "")
        media.is_complete, media.segments = True, {}
        media.is_bad = not _is_good_gif(data)
        media.ready_at = state.media.clock.now() + WORK
        return _told(media, _progress(state, media))


def status(state: XState, caller: Caller) -> Response:
    """``GET /2/media/upload?command=STATUS&media_id=…``: how far the work is."""
    if request.args.get("command") != "STATUS" or set(request.args) != {"command", "media_id"}:
        raise errors.invalid("command is not valid", "command", request.args.get("command"))
    with state.lock:
        media = _own(state, caller, request.args["media_id"])
        return _told(media, _progress(state, media) if media.moves else None)


def _progress(state: XState, media: Media) -> dict[str, Any]:
    left = media.ready_at - state.media.clock.now()
    if left > 0:
        shown = "pending" if left > WORK / 2 else "in_progress"
        return {"state": shown, "check_after_secs": 1, "progress_percent": 0}
    if media.is_bad:
        error = {"code": 1, "name": "InvalidMedia", "message": "Invalid or unsupported media"}
        return {"state": "failed", "error": error}
    return {"state": "succeeded", "progress_percent": 100}


def _is_good_gif(data: bytes) -> bool:
    """Whether it is a GIF that is not too large: its frames are counted by their control blocks."""
    if not data.startswith((b"GIF87a", b"GIF89a")) or not data.endswith(b";"):
        return False
    width, height = (int.from_bytes(data[at : at + 2], "little") for at in (6, 8))
    fits = width <= MAX_WIDTH and height <= MAX_HEIGHT
    return fits and data.count(b"\x21\xf9\x04") <= MAX_FRAMES


def _own(state: XState, caller: Caller, media_id: str) -> Media:
    media = state.media.of(media_id, caller.person.id)
    if media is None:
        raise errors.invalid(INVALID_MEDIA, "id", media_id)
    return media


def _told(media: Media, progress: dict[str, Any] | None = None) -> Response:
    told: dict[str, Any] = {"id": media.id, "media_key": f"16_{media.id}"}
    if progress is not None:
        told |= {"processing_info": progress}
    return jsonify(data={**told, "expires_after_secs": int(MEDIA_LIFE)})


def describe(state: XState, caller: Caller) -> Response:
    """``POST /2/media/metadata``: what a picture shows, before it is in a Tweet."""
    try:
        body = json.loads(request.get_data())
        media_id, alt = body["id"], body["metadata"]["alt_text"]["text"]
    except (ValueError, KeyError, TypeError) as error:
        raise errors.invalid("$: is not valid", "body", "") from error
    if not isinstance(alt, str) or len(alt) > MAX_ALT:
        raise errors.invalid("alt_text is too long", "metadata.alt_text.text", "")
    with state.lock:
        media = state.media.of(str(media_id), caller.person.id)
        if media is None:
            raise errors.invalid(INVALID_MEDIA, "id", media_id)
        media.alt = alt
    return jsonify(data={"id": media_id, "associated_metadata": body["metadata"]})
