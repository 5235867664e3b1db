"""Pictures: uploading one, published at once or for a later post."""

from flask import Response, jsonify, request
from werkzeug.datastructures import FileStorage

from sandbox.facebook import errors
from sandbox.facebook.calls import Caller, writable_page
from sandbox.facebook.query import Parameters, check_names, truth, words
from sandbox.facebook.state import FacebookState

MAX_PHOTO = 4_000_000  # bytes
BAD_PHOTO = 1366046
KINDS = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}


def upload(state: FacebookState, caller: Caller, parameters: Parameters, page_id: str) -> Response:
    """``POST /<page>/photos``: keep a picture, and publish it unless told otherwise."""
    check_names(parameters, "published", "alt_text_custom", "caption", "temporary")
    source = request.files.get("source")
    if set(request.files) - {"source"} or source is None:
        raise errors.GraphError(324, "(#324) Requires upload file")
    data, mime = _checked_photo(source)
    with state.lock:
        page = writable_page(state, caller, page_id)
        is_post = truth(parameters, "published", True)  # the network's own default
        state.check_running()
        photo = state.posts.add_photo(page, data, mime, words(parameters, "alt_text_custom"))
        if not is_post:
            return jsonify(id=photo.id)
        post = state.posts.publish(page, words(parameters, "caption"), None, [photo.id])
    return jsonify(id=photo.id, post_id=post.id)


def _checked_photo(source: FileStorage) -> tuple[bytes, str]:
    data = source.read()
    mime = next((kind for start, kind in KINDS.items() if data.startswith(start)), None)
    if mime is None or len(data) > MAX_PHOTO:
        words_of_it = "Photos should be less than 4 MB and saved as JPG, PNG, GIF or TIFF files."
        raise errors.GraphError(
            100, "Invalid parameter", subcode=BAD_PHOTO, error_user_msg=words_of_it
        )
    return data, mime
