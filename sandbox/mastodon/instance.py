"""What the sandbox's Mastodon tells of itself, in both generations and as NodeInfo."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.mastodon.errors import MastodonError
from sandbox.mastodon.state import MastodonState
from sandbox.mastodon.validation import MAX_EXPIRATION, MAX_OPTION, MIN_EXPIRATION

TYPES = ["image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "video/mp4"]
PIXELS = 33_177_600
DESCRIPTION = 1_500


def make_instance(state: MastodonState) -> Blueprint:
    """The routes that need no token."""
    routes = Blueprint("mastodon_instance", __name__)

    @routes.get("/api/v2/instance")
    def second() -> Response:
        state.calls.count("instance")
        if not state.settings.instance_v2:
            raise MastodonError(404, "not_found")
        return jsonify(
            domain=request.host,
            title="A sandbox Mastodon",
            version=state.settings.version,
            source_url="https://github.com/mastodon/mastodon",
            description="Nothing leaves this machine.",
            languages=[state.settings.language],
            configuration=_configuration(state),
        )

    @routes.get("/api/v1/instance")
    def first() -> Response:
        state.calls.count("instance")
        return jsonify(
            uri=request.host,
            title="A sandbox Mastodon",
            version=state.settings.version,
            languages=[state.settings.language],
            configuration=_configuration(state),
        )

    routes.add_url_rule("/.well-known/host-meta", view_func=_host_meta)

    @routes.get("/.well-known/nodeinfo")
    def links() -> Response:
        rel = "http://nodeinfo.diaspora.software/ns/schema/2.0"
        return jsonify(links=[{"rel": rel, "href": f"{request.host_url}nodeinfo/2.0"}])

    @routes.get("/nodeinfo/2.0")
    def node() -> Response:
        software = {"name": state.settings.software, "version": state.settings.version}
        return jsonify(version="2.0", software=software, protocols=["activitypub"])

    return routes


def _host_meta() -> Response:
    """Where its accounts live, which here is the same server (RFC 6415)."""
    template = f"{request.host_url}.well-known/webfinger?resource={{uri}}"
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">'
        f'<Link rel="lrdd" template="{template}"/></XRD>'
    )
    return Response(document, mimetype="application/xrd+xml")


def _configuration(state: MastodonState) -> dict[str, Any]:
    settings = state.settings
    return {
        "statuses": {
            "max_characters": settings.characters,
            "max_media_attachments": settings.pictures,
            "characters_reserved_per_url": 23,
        },
        "media_attachments": {
            "supported_mime_types": TYPES,
            "description_limit": DESCRIPTION,
            "image_size_limit": settings.picture_bytes,
            "image_matrix_limit": PIXELS,
        },
        "polls": {
            "max_options": settings.poll_options,
            "max_characters_per_option": MAX_OPTION,
            "min_expiration": MIN_EXPIRATION,
            "max_expiration": MAX_EXPIRATION,
        },
    }
