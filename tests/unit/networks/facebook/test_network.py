"""Facebook's client against a server that says what the test wrote down: publishing, texts."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.networks import http
from app.networks.base import Outcome, OutcomeKind, Part, Picture
from app.networks.errors import LookUpFailed, TokenRefused
from app.networks.facebook.network import Facebook
from app.networks.facebook.posts import LIMITS
from app.networks.text import TextProblem
from config import ADDRESSES
from tests.support.creates import created
from tests.support.scripted import ScriptedServer
from tests.support.waiting import free_port

CREDENTIALS = {"access_token": "EAAtoken", "page_id": "77"}
PROOF = hmac.new(b"secret", b"EAAtoken", hashlib.sha256).hexdigest()


def facebook_at(url: str, **changes: Any) -> Facebook:
    """Return Facebook at this address."""
    return Facebook(
        {
            "FACEBOOK_CLIENT_ID": "id",
            "FACEBOOK_CLIENT_SECRET": "secret",
            "FACEBOOK_GRAPH_URL": f"{url}/v25.0",
            "FACEBOOK_DIALOG_URL": ADDRESSES["FACEBOOK_DIALOG_URL"],
            "SEND_TIMEOUT": 15.0,
            "SANDBOX": ("facebook",),
            **changes,
        }
    )


def part(text: str = "hello", **more: Any) -> Part:
    """Return something to publish."""
    return Part(
        text=text, key="0" * 32, started_at=(now := datetime.now(UTC)), written_at=now, **more
    )


def create(facebook: Facebook, credentials: Any = CREDENTIALS) -> Outcome:
    """Publish a text now."""
    body = facebook.body(part(), {})
    return created(facebook, credentials, body, http.boottime() + 60)


# Settings


def test_the_real_network_is_the_default() -> None:
    """Without settings it is Facebook, and cannot be connected to."""
    unset = {"FACEBOOK_CLIENT_ID": None, "FACEBOOK_CLIENT_SECRET": None}
    settings = {**ADDRESSES, **unset, "SEND_TIMEOUT": 15.0, "SANDBOX": ()}
    facebook = Facebook(settings)
    assert not facebook.ready
    assert not facebook.is_local
    assert facebook.profile_url("ana") == "https://www.facebook.com/ana"
    keys = {"FACEBOOK_CLIENT_ID": "1", "FACEBOOK_CLIENT_SECRET": "2"}
    url = Facebook({**settings, **keys}).begin({}, "cb").url
    assert url.startswith("https://www.facebook.com/v25.0/dialog/oauth?client_id=1&")


def test_a_real_server_on_this_machine() -> None:
    """A loopback address alone is no sandbox: links lead to Facebook."""
    facebook = facebook_at("http://127.0.0.1:1", SANDBOX=())
    assert not facebook.is_local
    assert facebook.profile_url("ana") == "https://www.facebook.com/ana"


def test_it_needs_both_id_and_secret() -> None:
    """Every call carries a proof that is made with the secret."""
    assert facebook_at("https://graph").ready
    assert not facebook_at("https://graph", FACEBOOK_CLIENT_SECRET="").ready
    assert not facebook_at("https://graph", FACEBOOK_CLIENT_ID=None).ready


def test_the_standing_promises() -> None:
    """No threads, no refreshing, no second send without a person's word."""
    facebook = facebook_at("https://graph")
    assert facebook.threads is False
    assert facebook.look_ups_before_resend(CREDENTIALS, datetime.now(UTC)) is None
    assert facebook.connect_fields == ()
    assert not facebook.can_refresh(CREDENTIALS)
    assert not facebook.is_expired(CREDENTIALS)
    with pytest.raises(TokenRefused):
        facebook.refresh(CREDENTIALS)


# Texts


def test_the_body_is_all_that_is_published() -> None:
    """A text, pictures in their order, or both; never an answer to another post."""
    facebook = facebook_at("https://graph")
    photos = ({"media_fbid": "2"}, {"media_fbid": "1"})
    attached = [{"media_fbid": "2"}, {"media_fbid": "1"}]
    assert facebook.body(part("hello"), {}) == {"message": "hello"}
    assert facebook.body(part("", pictures=photos), {}) == {"attached_media": attached}
    both = facebook.body(part("hello", pictures=photos), {})
    assert both == {"message": "hello", "attached_media": attached}
    with pytest.raises(ValueError, match="no threads"):
        facebook.body(part(reply_to={"id": "77_1"}), {})


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("Read https://example.com/x, or http://b.test", "https://example.com/x"),
        ("(https://ja.wikipedia.org/wiki/\u65e5\u672c)。", "https://ja.wikipedia.org/wiki/%E6%97%A5%E6%9C%AC"),
        ("example.com first, then HTTPS://münchen.de", "https://xn--mnchen-3ya.de"),
        ("example.com, photo.com.jpg, me@example.com", None),
        ("https://user:secret@example.com/", None),
    ],
)  # fmt: skip
def test_the_first_link_gets_a_preview(text: str, link: str | None) -> None:
    """As Facebook wants it named; a post with pictures shows these instead."""
    facebook = facebook_at("https://graph")
    body = facebook.body(part(text), {})
    assert body == {"message": text} | ({"link": link} if link else {})
    assert facebook.comparable(body) == facebook.comparable({"message": text})
    assert "link" not in facebook.body(part(text, pictures=({"media_fbid": "1"},)), {})


@pytest.mark.parametrize(
    "text", ["a", "x" * 63_206, "é" * 63_206, "👍" * 31_603, "http://example.com/" + "y" * 63_000]
)
def test_texts_that_fit(text: str) -> None:
    """UTF-16 units count; a link is as long as it is."""
    facebook_at("https://graph").check(text, LIMITS)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \n\u200b ", "empty"),
        ("x" * 63_207, "too_long"),
        ("👍" * 31_604, "too_long"),
        ("a\x00b", "control_characters"),
        ("a\ud800b", "control_characters"),
    ],
)
def test_texts_that_do_not(text: str, code: str) -> None:
    """The problem is named before anything is sent."""
    with pytest.raises(TextProblem) as problem:
        facebook_at("https://graph").check(text, LIMITS)
    assert problem.value.code == code


def test_the_length_is_told() -> None:
    """The page can say by how much."""
    with pytest.raises(TextProblem) as problem:
        facebook_at("https://graph").check("👍" * 31_604, LIMITS)
    assert problem.value.params == {"length": 63_208, "limit": 63_206}


# Publishing


def test_a_create_is_one_signed_call(scripted: ScriptedServer) -> None:
    """The token is in a header and nowhere in the URL; its proof is in the query."""
    scripted.answers = [(200, {"id": "77_1", "permalink_url": "https://www.facebook.com/77/1"})]
    outcome = create(facebook_at(scripted.url))
    (seen,) = scripted.seen
    address = urlsplit(seen.path)
    assert (seen.method, address.path) == ("POST", "/v25.0/77/feed")
    assert parse_qs(address.query) == {
        "fields": ["id,permalink_url,created_time"],
        "appsecret_proof": [PROOF],
    }
    assert seen.headers["Authorization"] == "Bearer EAAtoken"
    assert json.loads(seen.body) == {"message": "hello"}
    assert (outcome.kind, outcome.remote_id) == (OutcomeKind.OK, "77_1")
    assert outcome.remote_url == "https://www.facebook.com/77/1"
    assert outcome.reference is None


@pytest.mark.parametrize(
    ("body", "remote_id", "path"),
    [
        ({"id": "77_1"}, "77_1", "/77_1"),
        ({"id": "pfbid0Zß-x"}, "pfbid0Zß-x", "/pfbid0Zß-x"),
        ({"id": 771, "permalink_url": "/77/posts/1"}, "771", "/77/posts/1"),
        ({"id": "1", "permalink_url": "//evil.example/1"}, "1", "/1"),
        ({"id": "1", "permalink_url": "javascript:alert(1)"}, "1", "/1"),
        ({"id": "1", "permalink_url": "http://evil.example/1"}, "1", "/1"),
        ({"id": "1", "permalink_url": ["odd"]}, "1", "/1"),
    ],
)
def test_ids_of_any_shape(scripted: ScriptedServer, body: Any, remote_id: str, path: str) -> None:
    """Whatever the id looks like it is kept; only a link that is safe to show is."""
    scripted.answers = [(200, body)]
    outcome = create(facebook_at(scripted.url))
    assert (outcome.kind, outcome.remote_id) == (OutcomeKind.OK, remote_id)
    assert outcome.remote_url == f"{scripted.url}{path}"


@pytest.mark.parametrize(
    "body", [{}, {"id": ""}, {"id": None}, {"id": True}, {"id": {}}, [], "{", "null", b"\xff\xfe"]
)
def test_an_ok_without_an_id(scripted: ScriptedServer, body: Any) -> None:
    """Perhaps it was published: look, and never send again."""
    scripted.answers = [(200, body)]
    outcome = create(facebook_at(scripted.url))
    assert (outcome.kind, outcome.code) == (OutcomeKind.AMBIGUOUS, "garbled_answer")
    assert len(scripted.seen) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 301, 302, 307])
def test_errors_and_redirects_are_asked_once(scripted: ScriptedServer, status: int) -> None:
    """One call, whatever the answer."""
    scripted.answers = [(status, "")]
    assert create(facebook_at(scripted.url)).kind == OutcomeKind.AMBIGUOUS
    assert len(scripted.seen) == 1


def test_an_unreachable_server_was_not_sent_anything() -> None:
    """Nobody listens: safe to try again; the reason tells no proof."""
    outcome = create(facebook_at(f"http://127.0.0.1:{free_port()}"))
    assert (outcome.kind, outcome.code) == (OutcomeKind.NOT_SENT, "unreachable")
    assert "proof" not in (outcome.detail or "")


def test_too_late_to_start_is_tried_again_at_once(scripted: ScriptedServer) -> None:
    """After the start deadline nothing is sent."""
    facebook = facebook_at(scripted.url)
    outcome = created(facebook, CREDENTIALS, facebook.body(part(), {}), http.boottime() - 1)
    assert (outcome.kind, outcome.code, scripted.seen) == (OutcomeKind.NOT_SENT, None, [])


@pytest.mark.parametrize("credentials", [{}, {"access_token": "☃"}, {"access_token": "a\nb"}])
def test_odd_credentials_never_raise(scripted: ScriptedServer, credentials: Any) -> None:
    """Lost or broken tokens end in an outcome, not in an exception."""
    scripted.answers = [(400, {"error": {"code": 190}})]
    assert create(facebook_at(scripted.url), credentials).kind in {
        OutcomeKind.AUTH,
        OutcomeKind.NOT_SENT,
    }


# Uploading


def test_an_upload_is_never_a_post(scripted: ScriptedServer) -> None:
    """``published`` is false, or the picture alone would be published."""
    scripted.answers = [(200, {"id": "5"})]
    picture = Picture(b"\x89PNG...", "image/png", "A dog — Zoë's", 2, 2)
    assert facebook_at(scripted.url).upload(CREDENTIALS, picture) == {"media_fbid": "5"}
    (seen,) = scripted.seen
    assert urlsplit(seen.path).path == "/v25.0/77/photos"
    assert seen.headers["Content-Type"].startswith("multipart/form-data")
    assert b'name="published"\r\n\r\nfalse\r\n' in seen.body
    assert 'name="alt_text_custom"\r\n\r\nA dog — Zoë\'s\r\n'.encode() in seen.body
    assert b'name="source"; filename="picture.png"\r\nContent-Type: image/png' in seen.body
    assert b"EAAtoken" not in seen.body


@pytest.mark.parametrize("answer", [(200, {}), (200, "{"), (500, ""), (302, ""), (429, "")])
def test_an_upload_without_an_answer(scripted: ScriptedServer, answer: Any) -> None:
    """It may be tried again."""
    scripted.answers = [answer]
    with pytest.raises(LookUpFailed):
        facebook_at(scripted.url).upload(CREDENTIALS, Picture(b"x", "image/png", "", 1, 1))
