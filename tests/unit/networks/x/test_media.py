"""Moving pictures on their way to X: in pieces, worked on, alone in a post."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from app.networks import http
from app.networks.base import OutcomeKind, Picture
from app.networks.errors import LookUpFailed, TokenRefused, UploadRefused
from app.networks.x.media import CHUNK_BYTES
from app.networks.x.network import X
from app.networks.x.posts import LIMITS
from app.pictures.fitting import fitted
from tests.support import photos
from tests.support.creates import created
from tests.support.sandbox import Sandbox
from tests.support.scripted import ScriptedServer, part
from tests.unit.networks.x.test_network import OAUTH2, x_at
from tests.unit.pictures.test_fitting import made_picture

READY = {"data": {"id": "7", "processing_info": {"state": "succeeded"}}}


def gif(size: int = 0, alt: str = "") -> Picture:
    """Return a GIF of at least this many bytes: a long comment stands at its end."""
    comment = b"\x21\xfe" + (b"\xff" + bytes(255)) * (size // 256) + b"\x00"
    return Picture(photos.moving(3)[:-1] + comment + b";", "image/gif", alt, 60, 60)


@pytest.fixture
def x(sandbox: Sandbox) -> X:
    """X, played."""
    return x_at(sandbox.url, SEND_TIMEOUT=8.0)


def post(x: X, credentials: dict[str, Any], *pictures: Any) -> Any:
    """Post pictures without words."""
    body = x.body(part("Look"))
    body["media"] = {"media_ids": [picture["id"] for picture in pictures]}
    return created(x, credentials, body, http.boottime() + 60)


@pytest.mark.parametrize("size", [0, CHUNK_BYTES + 1])
def test_it_is_posted_with_its_words(sandbox: Sandbox, x: X, size: int) -> None:
    """In as many pieces as it takes, described, and only when X is done with it."""
    ana = {"access_token": sandbox.token("ana")["access_token"]}
    moving = x.upload(ana, gif(size, "a dog\nruns"))
    assert post(x, ana, moving).kind == OutcomeKind.OK
    (tweet,) = sandbox.accepted()
    assert tweet["pictures"] == [{"id": moving["id"], "alt": "a dog\nruns"}]


def test_it_goes_alone(sandbox: Sandbox, x: X) -> None:
    """X takes no other picture beside it; the sandbox is as strict."""
    ana = {"access_token": sandbox.token("ana")["access_token"]}
    still = Picture(photos.photo_with_place(), "image/jpeg", "", 256, 192)
    answer = post(x, ana, x.upload(ana, gif()), x.upload(ana, still))
    assert answer.kind in {OutcomeKind.REJECTED, OutcomeKind.LATER}
    assert sandbox.accepted() == []


def test_what_x_cannot_work_on(sandbox: Sandbox, x: X) -> None:
    """Its work ends in failure: the picture is refused before anything is posted."""
    ana = {"access_token": sandbox.token("ana")["access_token"]}
    broken = Picture(b"GIF89a" + bytes(50), "image/gif", "", 60, 60)
    with pytest.raises(UploadRefused) as refused:
        x.upload(ana, broken)
    assert refused.value.code == "picture_refused"


@pytest.mark.slow
def test_what_fits(x: X) -> None:
    """Too wide, or of too many frames: made smaller, as long and still moving."""
    wide = fitted(made_picture(photos.moving(2, 1_300)), LIMITS)
    assert (wide.width, wide.height) == (1_080, 1_080)
    many = made_picture(photos.moving(400, 20))
    long = fitted(many, LIMITS)
    assert opened_frames(long) == 200
    assert sum_of_times(long) == pytest.approx(sum_of_times(many), rel=0.02)
    fits = made_picture(photos.moving(8))
    assert fitted(fits, LIMITS) == fits


def opened_frames(picture: Picture) -> int:
    """Return how many frames it has."""
    return int(photos.opened(picture.data).n_frames)  # type: ignore[attr-defined]


def sum_of_times(picture: Picture) -> int:
    """Return how long it is seen, in milliseconds."""
    image, total = photos.opened(picture.data), 0
    for number in range(opened_frames(picture)):
        image.seek(number)
        total += image.info["duration"]
    return total


def test_the_calls(scripted: ScriptedServer) -> None:
    """Announced with type, use and size, then brought; asked for until X says that it is done."""
    working = {"state": "pending", "check_after_secs": 0.2}
    scripted.answers = [
        (200, {"data": {"id": "7", "expires_after_secs": 86_400}}),
        (204, ""),
        (200, {"data": {"id": "7", "processing_info": working}}),
        (200, {"data": {"id": "7", "processing_info": working}}),
        (200, READY),
    ]
    assert x_at(scripted.url).upload(OAUTH2, gif()) == {"id": "7"}
    assert [(seen.method, seen.path) for seen in scripted.seen] == [
        ("POST", "/2/media/upload/initialize"),
        ("POST", "/2/media/upload/7/append"),
        ("POST", "/2/media/upload/7/finalize"),
        *[("GET", "/2/media/upload?command=STATUS&media_id=7")] * 2,
    ]
    assert json.loads(scripted.seen[0].body) == {
        "media_type": "image/gif",
        "media_category": "tweet_gif",
        "total_bytes": len(gif().data),
    }
    assert all(seen.headers["Authorization"] == "Bearer at" for seen in scripted.seen)


@pytest.mark.parametrize("told", ["soon", -1, None, True, 1e9])
def test_work_that_takes_long(scripted: ScriptedServer, told: object) -> None:
    """However X puts it, nobody waits for longer than a send may take; the post comes later."""
    working = {"state": "pending", "check_after_secs": told}
    pending = {"data": {"id": "7", "processing_info": working}}
    scripted.play = lambda _seen: (200, pending)
    began = time.monotonic()
    assert x_at(scripted.url, SEND_TIMEOUT=2.0).upload(OAUTH2, gif()) == {"id": "7"}
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (401, {"title": "Unauthorized", "status": 401}, TokenRefused),
        (503, {}, LookUpFailed),
        (429, {"title": "Too Many Requests", "status": 429}, LookUpFailed),
        (403, {"title": "Forbidden", "status": 403, "detail": "no"}, UploadRefused),
        (200, {"data": {}}, LookUpFailed),
    ],
)
def test_what_announcing_is_answered(
    scripted: ScriptedServer, status: int, answer: Any, error: type[Exception]
) -> None:
    """A no is told as what it is; nothing further is brought."""
    scripted.play = lambda _seen: (status, answer)
    with pytest.raises(error):
        x_at(scripted.url).upload(OAUTH2, gif())
    assert len(scripted.seen) == 1


def test_a_token_that_may_not_upload(scripted: ScriptedServer) -> None:
    """403: the owner is told to connect the account again, which is what helps."""
    scripted.play = lambda _seen: (403, {"title": "Forbidden", "status": 403})
    with pytest.raises(UploadRefused) as refused:
        x_at(scripted.url).upload(OAUTH2, gif())
    assert refused.value.code == "picture_permission"
