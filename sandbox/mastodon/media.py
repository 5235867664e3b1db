"""Pictures before they are posted: upload, and asking whether they are ready."""

from flask import Blueprint, Response, jsonify, request

from sandbox.mastodon.calls import Call, Caller, add_call, add_headers
from sandbox.mastodon.errors import MastodonError
from sandbox.mastodon.instance import DESCRIPTION
from sandbox.mastodon.render import media_json
from sandbox.mastodon.state import MastodonState

KINDS = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
KNOWN = {"description", "focus"}


def make_media(state: MastodonState) -> Blueprint:
    """The routes of pictures."""
    routes = Blueprint("mastodon_media", __name__, url_prefix="/api")
    routes.after_request(add_headers)
    add_call(routes, state, Call("POST", "/v2/media", "upload", "write:media"), _upload)
    add_call(routes, state, Call("GET", "/v1/media/<media_id>", "lookup", "write:media"), _ask)
    return routes


def _upload(state: MastodonState, caller: Caller) -> Response:
    source = request.files.get("file")
    if request.mimetype != "multipart/form-data" or source is None:
        raise MastodonError(422, "no_file")
    if set(request.files) - {"file", "thumbnail"} or set(request.form) - KNOWN:
        raise MastodonError(400, "bad_body")
    description = request.form.get("description", "")
    if len(description) > DESCRIPTION:
        raise MastodonError(422, "long_description")
    data = source.read()
    mime = next((kind for start, kind in KINDS.items() if data.startswith(start)), None)
    if mime is None:
        raise MastodonError(422, "bad_file")
    if len(data) > state.settings.picture_bytes:
        raise MastodonError(422, "large_file", limit=state.settings.picture_bytes)
    with state.lock:
        state.check_running()
        media = state.posts.add_media(caller.person.id, data, mime, description)
        ready = state.posts.is_ready(media)
    answer = jsonify(media_json(media, ready))
    answer.status_code = 200 if ready else 202
    return answer


def _ask(state: MastodonState, caller: Caller, media_id: str) -> Response:
    with state.lock:
        media = state.posts.loose(media_id, caller.person.id)
        if media is None:
            raise MastodonError(404, "not_found")
        ready = state.posts.is_ready(media)
    if ready and state.settings.media_fails:
        raise MastodonError(422, "failed_media")
    answer = jsonify(media_json(media, ready))
    answer.status_code = 200 if ready else 206
    return answer
