"""Pictures in a plain form: without scripts, files come together with the tweet."""

from __future__ import annotations

import io
from urllib.parse import urljoin

import pytest
from werkzeug.datastructures import FileStorage, MultiDict

from app.db import db
from app.models import User
from app.models.picture import Picture
from app.pictures import PictureRefused
from app.web.pictures import MAX_PICTURES, read_form, views_of
from tests.support import photos
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow


def file(name: str = "photo.jpg", data: bytes | None = None) -> FileStorage:
    """Return a file as a browser sends it."""
    return FileStorage(io.BytesIO(photos.photo_with_place() if data is None else data), name)


def empty() -> FileStorage:
    """Return what a browser sends for a file field that was left alone."""
    return file("", b"")


def sent(user: User, *files: FileStorage) -> tuple[list[str], PictureRefused | None]:
    """Send a form with these files; return the ids of its pictures, and the first refusal."""
    return read_form(user, MultiDict(), MultiDict([("picture-files", one) for one in files]))


@pytest.fixture
def ana(small_world: World) -> int:
    """Ana's id."""
    return small_world.user("ana")


def test_files_and_descriptions(small_world: World, ana: int) -> None:
    """Each file gets the description beside it, also when fields between were left alone."""
    with small_world.app.test_request_context():
        user = db.session.get_one(User, ana)
        form = MultiDict([("new-alt", words) for words in ("One", "nothing", "Three")])
        files = MultiDict([("picture-files", part) for part in (file(), empty(), file())])
        picture_ids, refusal = read_form(user, form, files)
        assert refusal is None
        assert [view["alt"] for view in views_of(user, picture_ids)] == ["One", "Three"]


def test_sent_again(small_world: World, ana: int) -> None:
    """A form that comes back keeps its pictures in order, takes new words, drops as told."""
    with small_world.app.test_request_context():
        user = db.session.get_one(User, ana)
        first, second, third = sent(user, file(), file(), file())[0]
        form = MultiDict([("pictures", third), ("pictures", first), ("pictures", second)])
        form.update({"drop-picture": first, f"alt-{third}": "Last first", f"alt-{first}": "No"})
        picture_ids, refusal = read_form(user, form, MultiDict())
        assert (picture_ids, refusal) == ([third, second], None)
        assert [view["alt"] for view in views_of(user, picture_ids)] == ["Last first", ""]


def test_one_of_them_is_refused(small_world: World, ana: int) -> None:
    """The refusal names the file; what was taken before it stays in the form."""
    with small_world.app.test_request_context():
        user = db.session.get_one(User, ana)
        picture_ids, refusal = sent(user, file(), file("x.svg", b"<svg/>"))
        assert len(picture_ids) == 1
        assert refusal is not None
        assert (refusal.code, refusal.name) == ("picture_unknown", "x.svg")


def test_too_many(small_world: World, ana: int) -> None:
    """A fifth picture is refused, and the four before it stay."""
    with small_world.app.test_request_context():
        user = db.session.get_one(User, ana)
        picture_ids, refusal = sent(user, *(file() for _ in range(MAX_PICTURES + 1)))
        assert len(picture_ids) == MAX_PICTURES
        assert refusal is not None
        assert refusal.code == "too_many_pictures"


def test_nobody_describes_or_sees_others(small_world: World, ana: int) -> None:
    """Ids of somebody else's pictures, or of none, change nothing and show nothing."""
    ben = small_world.user("ben")
    with small_world.app.test_request_context():
        owner, other = db.session.get_one(User, ana), db.session.get_one(User, ben)
        picture_id = sent(owner, file())[0][0]
        form = MultiDict([("pictures", picture_id), (f"alt-{picture_id}", "Mine"), ("alt-", "x")])
        form.add("pictures", "\0nonsense")
        read_form(other, form, MultiDict())
        assert views_of(other, [picture_id, "\0nonsense"]) == []
        assert db.session.get_one(Picture, picture_id).alt == ""


def test_published_from_a_plain_form(small_world: World) -> None:
    """Without scripts, a file sent together with the tweet is published with its description."""
    small_world.start_worker()
    visitor = Visitor(small_world.start_web())
    visitor.sign_in("ana")
    form = [("csrf_token", visitor.token()), ("text", "With a picture"), ("new-alt", "A field")]
    parts = [(name, (None, value)) for name, value in form]
    parts.append(("picture-files", ("photo.jpg", photos.photo_with_place())))
    url = urljoin(visitor.site, "/tweets")
    answer = visitor.http.post(url, files=parts, headers={"Accept": "text/html"}, timeout=20)
    assert answer.status_code == 200
    (post,) = wait_for(small_world.sandbox.accepted, what="the tweet")
    assert [picture["alt"] for picture in post["pictures"]] == ["A field"]


def test_refused_in_a_plain_form(small_world: World) -> None:
    """The page comes back with the sentence, the text and the pictures that are good."""
    visitor = Visitor(small_world.start_web())
    visitor.sign_in("ana")
    form = [("csrf_token", visitor.token()), ("text", "Keep me"), ("new-alt", "A field")]
    parts = [(name, (None, value)) for name, value in form]
    parts.append(("picture-files", ("photo.jpg", photos.photo_with_place())))
    parts.append(("picture-files", ("page.svg", b"<svg/>")))
    url = urljoin(visitor.site, "/tweets")
    answer = visitor.http.post(url, files=parts, headers={"Accept": "text/html"}, timeout=20)
    assert answer.status_code == 422
    assert "page.svg: This is not a JPEG" in answer.text
    assert "Keep me" in answer.text
    assert "A field" in answer.text
    assert small_world.sandbox.accepted() == []
