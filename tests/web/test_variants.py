"""One tweet for several accounts: a job for each, a text of its own where it is wanted."""

from __future__ import annotations

import uuid

import pytest

from app.db import db
from app.models import Account, Delivery, User
from app.models.user import UnknownAccount
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World
from tests.web.conftest import ConnectSomebody

LONG = "long " * 58 + "words"
"""295 characters: too long for X, not for Mastodon or Bluesky."""


@pytest.fixture
def everywhere(connect_somebody: ConnectSomebody) -> dict[str, int]:
    """Somebody new, signed in, with an account on X, Mastodon and Bluesky: ids by network."""
    return connect_somebody("mastodon", "bluesky")


def texts_of(running: World, tweet_id: int) -> dict[str, list[str]]:
    """Return what each account publishes, by network."""
    with running.rows():
        rows = db.session.scalars(db.select(Delivery).filter_by(tweet_id=tweet_id))
        return {row.account.network: [part.text for part in row.contents] for row in rows}


def test_a_job_for_each_account(
    running: World, visitor: Visitor, everywhere: dict[str, int]
) -> None:
    """202 lists a job for each ticked account; each is published and links to its own network."""
    made = visitor.post("/tweets", text="For all", accounts=list(everywhere.values())).json()
    assert [job["network"] for job in made["jobs"]] == ["x", "mastodon", "bluesky"]
    assert made["job_id"] == made["jobs"][0]["job_id"]
    ends = [visitor.until_final(job["job_id"]) for job in made["jobs"]]
    assert {end["status"] for end in ends} == {"done"}
    assert len({end["url"] for end in ends}) == 3


def test_only_the_ticked_accounts(visitor: Visitor, everywhere: dict[str, int]) -> None:
    """What is not ticked gets nothing."""
    made = visitor.post("/tweets", text="For two", accounts=[everywhere["bluesky"]]).json()
    assert [job["network"] for job in made["jobs"]] == ["bluesky"]


def test_a_text_of_its_own(running: World, visitor: Visitor, everywhere: dict[str, int]) -> None:
    """An account publishes its variant, the others the shared text; JSON and form alike."""
    own = {str(everywhere["bluesky"]): {"text": "Only for the sky"}}
    ids = list(everywhere.values())
    made = visitor.post(
        "/tweets", text="For the rest", when="in 2 hours", accounts=ids, variants=own
    ).json()
    expected = {
        "x": ["For the rest"],
        "mastodon": ["For the rest"],
        "bluesky": ["Only for the sky"],
    }
    assert texts_of(running, made["tweet"]["id"]) == expected
    form = {
        "csrf_token": visitor.token(),
        "text": "For the rest, too",
        "when": "in 2 hours",
        "accounts": [str(number) for number in ids],
        f"variant-{everywhere['x']}": "Only for X",
        f"variant-{everywhere['bluesky']}": "  ",
    }
    page = visitor.http.post(f"{visitor.site}/tweets", data=form, timeout=20)
    assert page.history[0].status_code == 303
    assert "Only for X" in page.text


def test_every_text_is_checked_by_its_networks_rule(
    visitor: Visitor, everywhere: dict[str, int]
) -> None:
    """Too long for X alone names X and the account, at the field that is too long."""
    ids = list(everywhere.values())
    refused = visitor.post("/tweets", text=LONG, accounts=ids)
    assert refused.status_code == 422
    error = refused.json()["error"]
    assert (error["code"], error["field"]) == ("too_long", "text")
    assert "on X that is too long: 295 characters as X counts them; 280" in error["message"]
    own = {str(everywhere["x"]): {"text": "Short for X"}}
    assert (
        visitor.post("/tweets", text=LONG, when="in 1 h", accounts=ids, variants=own).status_code
        == 202
    )
    own[str(everywhere["bluesky"])] = {"text": "é" * 301}
    error = visitor.post("/tweets", text="Fine", accounts=ids, variants=own).json()["error"]
    assert error["field"] == f"variant-{everywhere['bluesky']}"
    assert "Bluesky" in error["message"]


def test_a_refused_variant_is_shown_at_its_field_without_scripts(
    visitor: Visitor, everywhere: dict[str, int]
) -> None:
    """The page comes back with all that was written, and the sentence at the variant."""
    form = {
        "csrf_token": visitor.token(),
        "text": "The shared one",
        "when": "in 2 hours",
        "accounts": [str(number) for number in everywhere.values()],
        f"variant-{everywhere['x']}": "x" * 281,
    }
    page = visitor.http.post(f"{visitor.site}/tweets", data=form, timeout=20)
    assert page.status_code == 422
    assert "The shared one" in page.text
    assert "x" * 281 in page.text
    place = page.text.split(f'id="variant-{everywhere["x"]}-error">')[1]
    assert place.split("</p>")[0].endswith("280 are allowed.")
    for number in everywhere.values():
        box = page.text.split(f'name="accounts" value="{number}"')[1].split(">")[0]
        assert "checked" in box


@pytest.mark.slow
def test_a_server_says_what_fits(
    running: World, visitor: Visitor, everywhere: dict[str, int]
) -> None:
    """The limits of a Mastodon server are asked for and kept."""

    def known() -> dict[str, object] | None:
        with running.rows():
            return db.session.get_one(Account, everywhere["mastodon"]).limits

    wait_for(known, what="the limits")
    words = "word " * 99 + "end."
    mastodon = [everywhere["mastodon"]]
    assert visitor.post("/tweets", text=words, when="in 1 h", accounts=mastodon).ok
    error = visitor.post("/tweets", text=f"{words} more", accounts=mastodon).json()["error"]
    assert "500 are allowed" in error["message"]


def test_a_thread_in_parts(running: World, visitor: Visitor, everywhere: dict[str, int]) -> None:
    """Parts are stored in order; a part that is too long is named."""
    ids = [everywhere["x"], everywhere["bluesky"]]
    parts = [{"text": "One"}, {"text": "Two"}, {"text": "Three"}]
    made = visitor.post("/tweets", parts=parts, when="in 1 h", accounts=ids).json()
    thread = ["One", "Two", "Three"]
    assert texts_of(running, made["tweet"]["id"]) == {"x": thread, "bluesky": thread}
    parts[1]["text"] = LONG
    error = visitor.post("/tweets", parts=parts, accounts=ids).json()["error"]
    assert (error["code"], error["field"]) == ("too_long", "part-1")


def test_the_composer_ticks_what_was_used_last(
    visitor: Visitor, everywhere: dict[str, int]
) -> None:
    """At first the first account; then those of the newest tweet."""

    def ticked() -> list[str]:
        boxes = visitor.get("/").text.split('name="accounts" value="')[1:]
        return [box.split('"')[0] for box in boxes if "checked" in box.split(">")[0]]

    assert ticked() == [str(everywhere["x"])]
    last = [everywhere["mastodon"], everywhere["bluesky"]]
    visitor.post("/tweets", text="To these two", when="in 1 h", accounts=last)
    assert ticked() == [str(number) for number in last]


def test_retry_and_cancel_of_one_account_alone(
    running: World, visitor: Visitor, everywhere: dict[str, int]
) -> None:
    """Try again concerns the account that failed; the other is not sent a second time."""
    running.sandbox.on("bluesky").fault("refuse", handle=None)
    ids = [everywhere["x"], everywhere["bluesky"]]
    made = visitor.post("/tweets", text=f"Half {uuid.uuid4()}", accounts=ids).json()
    x, bluesky = (job["job_id"] for job in made["jobs"])
    assert visitor.until_final(x)["status"] == "done"
    assert visitor.until_final(bluesky)["status"] == "failed"
    page = visitor.get(f"/tweets/{made['tweet']['id']}/card").text
    assert page.count(">Try again<") == 1
    assert f'name="job_id" value="{bluesky}"' in page
    running.sandbox.on("bluesky").mend()
    again = visitor.post(f"/tweets/{made['tweet']['id']}/retry", job_id=bluesky)
    assert again.status_code == 200
    assert visitor.until_final(bluesky)["status"] == "done"
    assert running.sandbox.texts()[made["tweet"]["text"]] == 1


def test_editing_the_shared_text_keeps_a_variant(
    running: World, visitor: Visitor, everywhere: dict[str, int]
) -> None:
    """PATCH changes what it names; null takes a variant back."""
    ids = [everywhere["x"], everywhere["mastodon"]]
    own = {str(everywhere["mastodon"]): {"text": "Own"}}
    made = visitor.post("/tweets", text="Old", when="in 1 h", accounts=ids, variants=own).json()
    path = f"/tweets/{made['tweet']['id']}"
    assert visitor.post(path, "PATCH", text="New").ok
    assert texts_of(running, made["tweet"]["id"]) == {"x": ["New"], "mastodon": ["Own"]}
    assert visitor.post(path, "PATCH", variants={str(everywhere["mastodon"]): None}).ok
    assert texts_of(running, made["tweet"]["id"]) == {"x": ["New"], "mastodon": ["New"]}
    assert visitor.post(path, "PATCH", text=LONG).status_code == 422


def test_the_shell_takes_accounts_ids_and_handles(
    running: World, visitor: Visitor, everywhere: dict[str, int]
) -> None:
    """tweet_later(…, accounts=[…]) makes a delivery for each; others' accounts are refused."""
    with running.rows():
        first = db.session.get_one(Account, everywhere["x"])
        user = db.session.get_one(User, first.user_id)
        mastodon = db.session.get_one(Account, everywhere["mastodon"])
        chosen = [first, everywhere["bluesky"], f"@{mastodon.handle.upper()}"]
        job_id = user.tweet_later("From the shell", at="in 1 h", accounts=chosen)
        deliveries = db.session.get_one(Delivery, job_id).tweet.deliveries
        assert {d.account_id for d in deliveries} == set(everywhere.values())
        for nobody in ("nobody", 999_999):
            with pytest.raises(UnknownAccount):
                user.tweet_later("To nobody", accounts=[nobody])


@pytest.mark.parametrize(
    "body",
    [
        {"parts": "One"},
        {"parts": [5]},
        {"parts": [{"text": 5}]},
        {"text": "a", "variants": ["b"]},
        {"text": "a", "variants": {"1": 5}},
        {"text": "a", "pictures": "p"},
        {"text": "a", "pictures": ["not-mine"]},
        {"parts": [{"text": f"{number}"} for number in range(26)]},
    ],
)
def test_other_shapes_are_refused(ana: Visitor, body: dict[str, object]) -> None:
    """422 with a sentence, never a traceback, and nothing is stored."""
    answer = ana.post("/tweets", **body)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"]
