"""Pictures over HTTP: taken, shown to their owner alone, refused with a sentence."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from PIL import Image

from tests.support import photos
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for

JSON = {"Accept": "application/json"}
MAX_BYTES = 40_000_000


def send(who: Visitor, data: bytes, name: str = "photo.jpg", **headers: str) -> requests.Response:
    """Send a file as the page's own script does."""
    return who.http.post(
        urljoin(who.site, "/pictures"),
        files={"picture": (name, data)},
        headers={"X-CSRFToken": who.token(), **JSON, **headers},
        timeout=30,
    )


def ready(who: Visitor, picture_id: str) -> dict[str, Any]:
    """Wait until a worker is done with a picture."""

    def look() -> dict[str, Any] | None:
        seen = who.get(f"/pictures/{picture_id}", headers=JSON).json()
        return seen if seen["state"] != "processing" else None

    return wait_for(look, what="the picture")


def test_taken_and_made(ana: Visitor) -> None:
    """A picture is taken at once, made by a worker, and its thumbnail is shown."""
    answer = send(ana, photos.photo_with_place())
    assert answer.status_code == 201
    taken = answer.json()
    assert (taken["state"], taken["error"]) == ("processing", None)
    made = ready(ana, taken["id"])
    assert (made["state"], made["width"], made["height"]) == ("ready", 192, 256)
    small = ana.get(made["thumb_url"])
    assert small.status_code == 200
    assert small.headers["Content-Type"] == "image/webp"
    assert small.headers["X-Content-Type-Options"] == "nosniff"
    assert small.headers["Cache-Control"] == "private, no-cache"
    kept = {"If-None-Match": small.headers["ETag"]}
    assert ana.get(made["thumb_url"], headers=kept).status_code == 304
    assert Image.open(io.BytesIO(small.content)).size == (192, 256)


def test_nobody_elses(ana: Visitor, ben: Visitor, visitor: Visitor) -> None:
    """For everybody but its owner a picture does not exist; signed out, nothing is shown."""
    picture_id = send(ana, photos.photo_with_place()).json()["id"]
    ready(ana, picture_id)
    for path in (f"/pictures/{picture_id}", f"/pictures/{picture_id}/thumb", "/pictures/nonsense"):
        assert ben.get(path, headers=JSON).status_code == 404
        assert visitor.get(path, headers=JSON).status_code == 401
    assert ben.post(f"/pictures/{picture_id}", "PATCH", alt="Mine").status_code == 404
    assert ben.post(f"/pictures/{picture_id}", "DELETE").status_code == 404
    assert ana.get(f"/pictures/{picture_id}", headers=JSON).json()["alt"] == ""


def test_alt_text(ana: Visitor) -> None:
    """A description is stored by its lines, without control characters; none is cut."""
    picture_id = send(ana, photos.photo_with_place()).json()["id"]
    described = ana.post(f"/pictures/{picture_id}", "PATCH", alt=" A\x00 field,\n  green ")
    assert described.json()["alt"] == "A field,\ngreen"
    long = "\n".join(["x" * 999] * 10)
    for alt in ("", " \r\n a\tb \r\n\r\nc\u2028d\n", long):
        assert ana.post(f"/pictures/{picture_id}", "PATCH", alt=alt).status_code == 200
    ana.post(f"/pictures/{picture_id}", "PATCH", alt=" \r\n a\tb \r\n\r\nc\u2028d\n")
    assert ana.get(f"/pictures/{picture_id}", headers=JSON).json()["alt"] == "a b\n\nc\nd"
    refused = ana.post(f"/pictures/{picture_id}", "PATCH", alt="x" * 10_001)
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "alt_too_long"
    assert ana.post(f"/pictures/{picture_id}", "PATCH", alt=7).status_code == 422


def test_taken_back(ana: Visitor) -> None:
    """A removed picture is gone at once."""
    picture_id = send(ana, photos.photo_with_place()).json()["id"]
    assert ana.post(f"/pictures/{picture_id}", "DELETE").status_code == 204
    assert ana.get(f"/pictures/{picture_id}", headers=JSON).status_code == 404


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "picture_unknown"),
        (b"", "picture_unknown"),
        (photos.file_of(photos.colourful()) + photos.archive(), "picture_polyglot"),
        (photos.png_claiming(10_000, 10_000), "picture_too_many_pixels"),
    ],
)
def test_refused_at_once(ana: Visitor, data: bytes, code: str) -> None:
    """What is no picture, more than a picture or too large a one gets 422 and a sentence."""
    answer = send(ana, data, "holiday.jpg")
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"].startswith("holiday.jpg: ")
    assert error["message"].endswith(".")


def test_refused_by_the_worker(ana: Visitor) -> None:
    """A damaged picture says so once a worker has read it; it has no thumbnail."""
    whole = photos.file_of(photos.noisy(300, 300))
    seen = ready(ana, send(ana, whole[: len(whole) // 2]).json()["id"])
    assert (seen["state"], seen["thumb_url"]) == ("refused", None)
    assert seen["error"]["code"] == "picture_broken"
    assert seen["error"]["message"].endswith(".")
    assert ana.get(f"/pictures/{seen['id']}/thumb").status_code == 404


def test_five_megabytes_are_taken(ana: Visitor) -> None:
    """A photo is larger than any tweet may be."""
    large = photos.file_of(photos.noisy(2600, 2600), quality=95)
    assert 4_000_000 < len(large) < MAX_BYTES
    assert send(ana, large).status_code == 201


def test_too_heavy(ana: Visitor) -> None:
    """A file of more than 40 MB is 413 with a sentence."""
    answer = send(ana, photos.file_of(photos.colourful()) + b"\0" * MAX_BYTES)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "picture_too_heavy"


@pytest.mark.parametrize("path", ["/settings", "/tweets"])
@pytest.mark.parametrize("how", ["form", "form with files"])
def test_other_addresses_keep_their_limit(ana: Visitor, path: str, how: str) -> None:
    """Only where pictures come in may a body be large, and only its files may."""
    fields = {"csrf_token": ana.token(), "text": "x" * 300_000}
    if how == "form":
        answer = ana.http.post(urljoin(ana.site, path), data=fields, timeout=20)
    else:
        parts = {name: (None, value) for name, value in fields.items()}
        answer = ana.http.post(urljoin(ana.site, path), files=parts, timeout=20)
    assert answer.status_code == 413


def test_signed_out(visitor: Visitor) -> None:
    """Nobody sends large files without having signed in."""
    file = {"picture": ("photo.jpg", photos.photo_with_place())}
    answer = visitor.http.post(urljoin(visitor.site, "/pictures"), files=file, headers=JSON)
    assert answer.status_code == 401


def test_missing_token(ana: Visitor) -> None:
    """Without the page's token nothing is taken."""
    file = {"picture": ("photo.jpg", photos.photo_with_place())}
    answer = ana.http.post(urljoin(ana.site, "/pictures"), files=file, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "csrf"


def test_spanish(ana: Visitor) -> None:
    """The sentence is in the language of the browser."""
    answer = send(ana, b"<svg/>", **{"Accept-Language": "es"})
    assert "no es una imagen" in answer.json()["error"]["message"]
