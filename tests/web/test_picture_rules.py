"""What cannot be shown somewhere is refused when it is written, by the name of the network."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urljoin

import pytest

from app.db import db, utcnow
from app.models import Account
from app.networks.mastodon.posts import USUAL
from tests.support import photos
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World
from tests.web.conftest import ConnectSomebody
from tests.web.test_pictures import JSON, send

pytestmark = pytest.mark.slow

OTHERS = ("mastodon", "bluesky", "facebook")


@pytest.fixture
def accounts(connect_somebody: ConnectSomebody) -> dict[str, int]:
    """Somebody new, signed in, with an account on every network: ids by network."""
    return connect_somebody(*OTHERS)


def taken(who: Visitor, data: bytes | None = None) -> str:
    """Send a picture; return its id."""
    return send(who, data or photos.photo_with_place()).json()["id"]


def refusal(who: Visitor, **tweet: Any) -> tuple[str, str, str]:
    """Return (code, field, sentence) with which a tweet is refused."""
    answer = who.post("/tweets", when="in one hour", **tweet)
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    return error["code"], error["field"], error["message"]


def test_a_moving_picture_where_none_are_shown(visitor: Visitor, accounts: dict[str, int]) -> None:
    """A GIF that has just been sent is refused at once for a network that takes none."""
    everywhere = [accounts["x"], accounts["mastodon"], accounts["bluesky"]]
    code, field, words = refusal(
        visitor, text="Look", pictures=[taken(visitor, photos.moving(3))], accounts=everywhere
    )
    assert (code, field) == ("picture_moves", "pictures")
    assert words.startswith("Bluesky does not show moving pictures.")


def test_a_moving_picture_for_one_account_only(visitor: Visitor, accounts: dict[str, int]) -> None:
    """A variant may show it where it can be shown; a GIF that stands still goes anywhere."""
    own = {str(accounts["mastodon"]): {"text": "", "pictures": [taken(visitor, photos.moving(3))]}}
    chosen = [accounts["bluesky"], accounts["mastodon"]]
    later = {"when": "in one hour", "accounts": chosen}
    assert visitor.post("/tweets", text="Look", variants=own, **later).status_code == 202
    still = taken(visitor, photos.moving(1))
    assert visitor.post("/tweets", text="Look here", pictures=[still], **later).status_code == 202


@pytest.mark.parametrize(("network", "title"), [("mastodon", "Mastodon"), ("x", "On X")])
def test_a_moving_picture_goes_alone(
    visitor: Visitor, accounts: dict[str, int], network: str, title: str
) -> None:
    """Where moving pictures become films, they cannot stand beside others."""
    both = [taken(visitor, photos.moving(3)), taken(visitor)]
    chosen = [accounts[network]]
    code, field, words = refusal(visitor, text="Look", pictures=both, accounts=chosen)
    assert (code, field) == ("picture_moves_alone", "pictures")
    assert title in words


def test_a_change_is_checked_too(visitor: Visitor, accounts: dict[str, int]) -> None:
    """A GIF cannot come into a tweet for Bluesky by an edit either."""
    later = {"when": "in one hour", "accounts": [accounts["bluesky"]]}
    tweet = visitor.post("/tweets", text="Look", **later).json()["tweet"]
    parts = [{"text": "Look", "pictures": [taken(visitor, photos.moving(3))]}]
    answer = visitor.post(f"/tweets/{tweet['id']}", "PATCH", parts=parts)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "picture_moves"


def test_the_form_says_so_as_well(visitor: Visitor, accounts: dict[str, int]) -> None:
    """Without scripts, the page comes back with the sentence and keeps the picture."""
    answer = visitor.http.post(
        urljoin(visitor.site, "/tweets"),
        data={"csrf_token": visitor.token(), "text": "Look", "accounts": str(accounts["bluesky"])},
        files={"picture-files": ("cat.gif", photos.moving(3))},
        headers={"Accept": "text/html"},
        timeout=30,
    )
    assert answer.status_code == 422
    assert "Bluesky does not show moving pictures." in answer.text


@pytest.mark.parametrize("threaded", [False, True])
def test_the_same_picture_twice(visitor: Visitor, accounts: dict[str, int], threaded: bool) -> None:
    """Networks take an upload for one place only: twice in a tweet is refused at once."""
    same = taken(visitor)
    one, two = {"text": "One", "pictures": [same]}, {"text": "Two", "pictures": [same]}
    tweet: dict[str, Any] = {"parts": [one, two]} if threaded else {"pictures": [same, same]}
    code, field, words = refusal(visitor, text="One", accounts=list(accounts.values()), **tweet)
    assert (code, field) == ("picture_twice", "pictures")
    assert words.endswith(".")


def test_too_many(visitor: Visitor, accounts: dict[str, int]) -> None:
    """The networks differ in how many they take; the sentence names the one that takes fewer."""
    four = [[taken(visitor) for _ in range(4)] for _ in range(3)]
    parts = [{"text": "Part", "pictures": pictures} for pictures in four]
    code, _, words = refusal(visitor, parts=parts, accounts=[accounts["facebook"]])
    assert code == "too_many_pictures"
    assert words == "Facebook takes at most 10 pictures with one text."
    five = [*four[0], taken(visitor)]
    assert refusal(visitor, text="Five", pictures=five)[0] == "too_many_pictures"


def test_a_gif_of_equal_frames_goes_anywhere(visitor: Visitor, accounts: dict[str, int]) -> None:
    """What does not change does not move, also while no worker has drawn it."""
    later = {"when": "in one hour", "accounts": list(accounts.values())}
    still = taken(visitor, photos.repeated_gif(9))
    assert visitor.post("/tweets", text="Look", pictures=[still], **later).status_code == 202


def test_a_gif_that_is_too_long(visitor: Visitor, accounts: dict[str, int]) -> None:
    """A GIF of more frames than can be made anew is refused when it is sent."""
    frames = photos.repeated_gif(250, photos.colourful(640, 640))
    changed = frames[:-1] + photos.repeated_gif(1, photos.noisy(640, 640))[13 + 48 :]
    answer = send(visitor, changed)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "picture_too_long"
    assert "Shorten it" in answer.json()["error"]["message"]


def test_a_gif_too_heavy_for_a_server(
    running: World, visitor: Visitor, accounts: dict[str, int]
) -> None:
    """What a server will never take is said when it is written, with the name of the network."""

    def is_measured() -> bool:
        with running.rows():
            at = db.select(Account.limits_at).where(Account.id == accounts["mastodon"])
            limits = db.select(Account.limits).where(Account.id == accounts["mastodon"])
            return bool(db.session.scalar(at) and db.session.scalar(limits))

    wait_for(is_measured, what="the worker's own look at the limits")
    with running.rows():
        account = db.session.get_one(Account, accounts["mastodon"])
        account.limits_at = utcnow()
        small = asdict(replace(USUAL, picture_bytes=100))
        account.limits = {**small, "picture_types": list(USUAL.picture_types)}
        db.session.commit()
    code, field, words = refusal(
        visitor,
        text="Look",
        pictures=[taken(visitor, photos.moving(3))],
        accounts=[accounts["mastodon"]],
    )
    assert (code, field) == ("picture_moves_too_much", "pictures")
    assert words.startswith("This GIF is too large for Mastodon")


def described(who: Visitor, alt: str) -> str:
    """Send a picture and say what it shows; return its id."""
    picture_id = taken(who)
    assert who.post(f"/pictures/{picture_id}", "PATCH", alt=alt).json()["alt"] == alt
    return picture_id


@pytest.mark.parametrize(
    ("network", "title", "limit"),
    [("x", "X", 1_000), ("mastodon", "Mastodon", 1_500), ("bluesky", "Bluesky", 2_000)],
)
def test_a_description_up_to_each_networks_own_limit(
    visitor: Visitor, accounts: dict[str, int], network: str, title: str, limit: int
) -> None:
    """What a network takes is taken; what is more is refused by its name, and never cut."""
    chosen = {"accounts": [accounts[network]], "when": "in one hour", "text": "Look"}
    fits = described(visitor, "é" * limit)
    tweet = visitor.post("/tweets", pictures=[fits], **chosen)
    assert tweet.status_code == 202, tweet.text
    longer = described(visitor, "é" * (limit + 1))
    refused = visitor.post("/tweets", pictures=[longer], **chosen)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["field"]) == (422, "alt_too_long", "pictures")
    assert error["message"].startswith(f"{title} takes at most {limit} characters")
    later = visitor.post(f"/pictures/{fits}", "PATCH", alt="é" * (limit + 1))
    assert (later.status_code, later.json()["error"]["code"]) == (422, "alt_too_long")
    assert title in later.json()["error"]["message"]
    assert visitor.get(f"/pictures/{fits}", headers=JSON).json()["alt"] == "é" * limit


@pytest.mark.parametrize("words", [1_001, 10_001, 20_001])
def test_a_form_gives_a_long_description_back(
    visitor: Visitor, accounts: dict[str, int], words: int
) -> None:
    """Refused with all that was typed, in the composer and on the edit page; nothing is cut."""
    picture_id, alt = taken(visitor), f"start\n{'y' * (words - 9)}end"
    shown = alt.replace("\n", "\r\n")
    typed = {"csrf_token": visitor.token(), "text": "Look", "pictures": picture_id}
    typed |= {f"alt-{picture_id}": shown, "when": "in one hour", "mode": "later"}
    page = {"headers": {"Accept": "text/html"}, "timeout": 30}
    url = urljoin(visitor.site, "/tweets")
    answer = visitor.http.post(url, data=typed | {"accounts": str(accounts["x"])}, **page)
    assert answer.status_code == 422
    assert alt in answer.text.replace("\r\n", "\n")
    later = {"when": "in one hour", "accounts": [accounts["x"]]}
    visitor.post(f"/pictures/{picture_id}", "PATCH", alt="short")
    tweet = visitor.post("/tweets", text="Look", pictures=[picture_id], **later).json()["tweet"]
    answer = visitor.http.post(f"{url}/{tweet['id']}/edit", data=typed, **page)
    assert answer.status_code == 422
    assert alt in answer.text.replace("\r\n", "\n")
    assert visitor.get(f"/pictures/{picture_id}", headers=JSON).json()["alt"] == "short"
