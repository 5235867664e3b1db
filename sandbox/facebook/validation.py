"""Checks what a new post says, as strictly as Facebook does (docs: Facebook endpoints)."""

from dataclasses import dataclass

from sandbox.facebook import errors
from sandbox.facebook.query import Parameters, truth, words

MAX_MESSAGE = 63_206  # UTF-16 units
MAX_PHOTOS = 10


@dataclass(frozen=True)
class Draft:
    """What a call asks to be published; ``photos`` are the ids of uploaded pictures."""

    message: str
    link: str | None
    photos: list[str]


def read_post(parameters: Parameters) -> Draft:
    """The post that a call asks for. Raises GraphError."""
    message, link = _message(parameters, "message"), words(parameters, "link") or None
    photos = _attached(parameters)
    if not truth(parameters, "published", True):
        raise errors.invalid("Unpublished posts are not played here")
    if not message and not link and not photos:
        raise errors.invalid("Missing message or attachment")
    if link is not None and not link.startswith(("http://", "https://")):
        raise errors.GraphError(1609005, "The link could not be scraped.")
    return Draft(message, link, photos)


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
