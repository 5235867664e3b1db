"""Pictures before they are posted."""

from flask import Response, jsonify, request

from sandbox.bluesky import errors
from sandbox.bluesky.calls import Method
from sandbox.bluesky.records import Person
from sandbox.bluesky.state import BlueskyState

SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}


def _upload_blob(state: BlueskyState, caller: Person | None) -> Response:
    assert caller is not None
    content = request.get_data()
    if not request.mimetype:
        raise errors.invalid("Request encoding (Content-Type) required but not provided")
    if not content:
        raise errors.invalid("A request body is expected but none was provided")
    with state.lock:
        state.check_running()
        blob = state.posts.keep(caller.did, content, _mime_of(content))
    return jsonify(
        blob={
            "$type": "blob",
            "ref": {"$link": blob.cid},
            "mimeType": blob.mime,
            "size": blob.size,
        }
    )


def _mime_of(content: bytes) -> str:
    """What the bytes are, whatever the caller says; its word is taken for unknown ones."""
    for signature, mime in SIGNATURES.items():
        if content.startswith(signature):
            return mime
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return request.mimetype


METHODS = {
    "com.atproto.repo.uploadBlob": Method(
        "POST", "upload", _upload_blob, "access", spends={"upload": 1}
    ),
}
