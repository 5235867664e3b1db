"""Posts and pictures of a Page (docs: Facebook endpoints)."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import FileStorage

from sandbox.facebook import errors
from sandbox.facebook.calls import Caller, page_called
from sandbox.facebook.query import (
    PAGING,
    Parameters,
    check_names,
    page_of,
    pick,
    tree_of,
    truth,
    words,
)
from sandbox.facebook.records import Page, Post
from sandbox.facebook.routes import Guard, add_headers, with_next
from sandbox.facebook.state import FacebookState

POST_FIELDS = (
    *("id", "message", "created_time", "permalink_url", "is_published", "attachments"),
    *("full_picture", "from"),
)
MAX_MESSAGE = 63_206  # UTF-16 units
MAX_PHOTOS = 10
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


def make_publishing(state: FacebookState, version: str) -> Blueprint:
    """The routes of a Page's posts and pictures."""
    routes = Blueprint("facebook_publishing", __name__, url_prefix=f"/{version}")
    routes.after_request(add_headers)
    guard = Guard(state)
    for method, path, operation, view in (
        ("POST", "/<page_id>/feed", "create", _feed),
        ("POST", "/<page_id>/photos", "upload", _photos),
        ("GET", "/<page_id>/published_posts", "timeline", _published_posts),
    ):
        routes.add_url_rule(
            path, view.__name__.strip("_"), guard.around(view, operation), methods=[method]
        )
    return routes


def _feed(state: FacebookState, caller: Caller, parameters: Parameters, page_id: str) -> Response:
    check_names(parameters, "message", "link", "published", "attached_media")
    tree = tree_of(words(parameters, "fields") or "id", POST_FIELDS, "Post")
    with state.lock:
        page = _writable(state, caller, page_id)
        message, link = _message(parameters, "message"), words(parameters, "link") or None
        photos = _attached(parameters)
        if not truth(parameters, "published", True):
            raise errors.invalid("Unpublished posts are not played here")
        if not message and not link and not photos:
            raise errors.invalid("Missing message or attachment")
        if link is not None and not link.startswith(("http://", "https://")):
            raise errors.GraphError(1609005, "The link could not be scraped.")
        state.check_running()
        post = state.posts.publish(page, message, link, photos)
        return jsonify(pick(render(state, post), tree))


def _photos(state: FacebookState, caller: Caller, parameters: Parameters, page_id: str) -> Response:
    check_names(parameters, "published", "alt_text_custom", "caption", "temporary")
    source = request.files.get("source")
    if set(request.files) - {"source"} or source is None:
        raise errors.GraphError(324, "(#324) Requires upload file")
    data, mime = _checked_photo(source)
    with state.lock:
        page = _writable(state, caller, page_id)
        is_post = truth(parameters, "published", True)  # the network's own default
        state.check_running()
        photo = state.posts.add_photo(page, data, mime, words(parameters, "alt_text_custom"))
        if not is_post:
            return jsonify(id=photo.id)
        post = state.posts.publish(page, words(parameters, "caption"), None, [photo.id])
    return jsonify(id=photo.id, post_id=post.id)


def _published_posts(
    state: FacebookState, caller: Caller, parameters: Parameters, page_id: str
) -> Response:
    check_names(parameters, *PAGING)
    tree = tree_of(words(parameters, "fields") or "id,message,created_time", POST_FIELDS, "Post")
    with state.lock:
        page = page_called(state, caller, page_id)
        caller.needs("pages_read_engagement", 10)
        part, paging = page_of(list(state.posts.shown(page)), parameters)
        data = [pick(render(state, post), tree) for post in part]
    path = f"{page_id}/published_posts"
    return jsonify({"data": data} | with_next(paging, caller, path, parameters))


def render(state: FacebookState, post: Post) -> dict[str, Any]:
    """``post`` as the Graph API knows it; what it lacks is None."""
    page = state.page_by_id(post.page_id)
    moment = datetime.fromtimestamp(post.created_at, UTC)
    return {
        "id": post.id,
        "message": post.message or None,
        "created_time": moment.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "permalink_url": f"{request.host_url}{post.page_id}/posts/{post.id.partition('_')[2]}",
        "is_published": True,
        "attachments": _attachments(post),
        "from": {"id": page.id, "name": page.name},
    }


def _attachments(post: Post) -> dict[str, Any] | None:
    pictures = [{"type": "photo", "target": {"id": photo_id}} for photo_id in post.photos]
    if len(pictures) > 1:
        album = {"type": "album", "target": {"id": post.id}}
        return {"data": [album | {"subattachments": {"data": pictures}}]}
    if post.link is not None:
        return {"data": [{"type": "share", "url": post.link}]}
    return {"data": pictures} if pictures else None


def _writable(state: FacebookState, caller: Caller, page_id: str) -> Page:
    page = page_called(state, caller, page_id)
    caller.needs("pages_manage_posts", 200)
    if not state.may_publish(page):
        raise errors.permission(200, "CREATE_CONTENT")
    return page


def _message(parameters: Parameters, name: str) -> str:
    message = words(parameters, name).strip()
    if len(message.encode("utf-16-le", "surrogatepass")) // 2 > MAX_MESSAGE:
        raise errors.invalid("The message is too long")
    return message


def _attached(parameters: Parameters) -> list[str]:
    listed = parameters.get("attached_media", [])
    if not isinstance(listed, list) or len(listed) > MAX_PHOTOS:
        raise errors.invalid(f"Param attached_media must be a list of at most {MAX_PHOTOS}")
    for entry in listed:
        if not isinstance(entry, dict) or set(entry) != {"media_fbid"}:
            raise errors.invalid("Param attached_media holds objects with media_fbid")
    photos = [str(entry["media_fbid"]) for entry in listed]
    if len(set(photos)) < len(photos):
        raise errors.invalid("Param attached_media holds a photo twice")
    return photos


def _checked_photo(source: FileStorage) -> tuple[bytes, str]:
    data = source.read()
    mime = next((kind for start, kind in KINDS.items() if data.startswith(start)), None)
    if mime is None or len(data) > MAX_PHOTO:
        words_of_it = "Photos should be less than 4 MB and saved as JPG, PNG, GIF or TIFF files."
        raise errors.GraphError(
            100, "Invalid parameter", subcode=BAD_PHOTO, error_user_msg=words_of_it
        )
    return data, mime
