"""Choosing who sees what a Mastodon account posts."""

from __future__ import annotations

import re
import uuid

import pytest
import requests

from app.db import db
from app.models import Account, User
from tests.support.visitor import Visitor
from tests.support.world import World


@pytest.fixture
def account_id(running: World, visitor: Visitor) -> int:
    """The Mastodon account of somebody who is signed in."""
    handle = f"v{uuid.uuid4().hex[:10]}"
    visitor.sign_in(handle)
    with running.rows():
        user_id = User.by_handle(handle).id
    return running.connect(user_id, "mastodon", handle)


def chosen(running: World, account_id: int) -> str:
    """Return what is kept."""
    with running.rows():
        return db.session.get_one(Account, account_id).visibility


def shown(page: str, account_id: int) -> str:
    """Return which choice the page shows."""
    (select,) = re.findall(
        rf'<select [^>]*id="visibility-{account_id}".*?</select>', page, re.DOTALL
    )
    (value,) = re.findall(r'<option value="(\w+)" selected>', select)
    return str(value)


def test_it_is_chosen_on_the_accounts_page(
    running: World, visitor: Visitor, account_id: int
) -> None:
    """A plain form, in words that say what each means; X has none."""
    page = visitor.get("/accounts").text
    assert page.count("Who sees its posts") == 1
    assert "searches and public timelines leave them out" in page
    assert shown(page, account_id) == "default"
    for wanted in ("public", "unlisted", "private", "default"):
        page = visitor.submit(f"/accounts/{account_id}/visibility", visibility=wanted)
        assert page.url.endswith("/accounts")
        assert "has yet to post" in page.text
        assert shown(page.text, account_id) == wanted
        assert chosen(running, account_id) == wanted.replace("default", "")


def test_a_program_chooses_it(running: World, visitor: Visitor, account_id: int) -> None:
    """PATCH says what is chosen by then, and posts are seen by these."""
    answer = visitor.post(f"/accounts/{account_id}", "PATCH", visibility="private")
    assert (answer.status_code, answer.json()["visibility"]) == (200, "private")
    other = visitor.post(f"/accounts/{account_id}", "PATCH", signs_in=False)
    assert other.json()["visibility"] == "private"
    made = visitor.post("/tweets", text="For few", accounts=[account_id]).json()
    visitor.until_final(made["job_id"])
    posts = [p for p in running.sandbox.on("mastodon").accepted() if p["text"] == "For few"]
    assert [post["visibility"] for post in posts] == ["private"]
    back = visitor.post(f"/accounts/{account_id}", "PATCH", visibility="default")
    assert back.json()["visibility"] == "default"
    assert chosen(running, account_id) == ""


def error(answer: requests.Response) -> tuple[int, str, str]:
    """Return status, code and field of a refusal."""
    told = answer.json()["error"]
    assert told["message"].endswith(".")
    return answer.status_code, told["code"], told["field"]


@pytest.mark.parametrize("wrong", ["direct", "", "Public", "public ", 1, True, ["public"], {}])
def test_other_words_are_refused(
    running: World, visitor: Visitor, account_id: int, wrong: object
) -> None:
    """By name and in a sentence; nothing is changed."""
    visitor.post(f"/accounts/{account_id}", "PATCH", visibility="unlisted")
    answer = visitor.post(f"/accounts/{account_id}", "PATCH", visibility=wrong)
    assert error(answer) == (422, "unknown_visibility", "visibility")
    if isinstance(wrong, str):
        page = visitor.submit(f"/accounts/{account_id}/visibility", visibility=wrong)
        assert (page.status_code, "“private”" in page.text) == (422, True)
    assert chosen(running, account_id) == "unlisted"


def test_nothing_is_half_changed(running: World, visitor: Visitor, account_id: int) -> None:
    """Two wishes of which one cannot be: neither is done."""
    with running.rows():
        mine = db.session.get_one(Account, account_id)
        (first,) = db.session.scalars(
            db.select(Account.id).where(Account.user_id == mine.user_id, Account.network == "x")
        )
    visitor.post(f"/accounts/{account_id}", "PATCH", signs_in=False)
    for target, refusal in ((first, "no_visibility"), (account_id, "unknown_visibility")):
        word = "private" if target == first else "secret"
        answer = visitor.post(f"/accounts/{target}", "PATCH", signs_in=True, visibility=word)
        assert error(answer) == (422, refusal, "visibility")
    with running.rows():
        assert not db.session.get_one(Account, account_id).signs_in
    nothing = visitor.post(f"/accounts/{account_id}", "PATCH")
    assert (nothing.status_code, nothing.json()["error"]["code"]) == (422, "nothing_to_change")


def test_other_networks_let_nobody_choose(running: World, visitor: Visitor, ana: Visitor) -> None:
    """X's posts are seen by whom X says; the sentence names it."""
    with running.rows():
        x = User.by_handle("ana").accounts[0]
        x_id, network = x.id, x.network
    assert network == "x"
    answer = ana.post(f"/accounts/{x_id}", "PATCH", visibility="private")
    assert error(answer) == (422, "no_visibility", "visibility")
    assert "X" in answer.json()["error"]["message"]
    assert ana.submit(f"/accounts/{x_id}/visibility", visibility="public").status_code == 422
    assert ana.post(f"/accounts/{x_id}", "PATCH", signs_in=True).json()["visibility"] is None


def test_only_its_owner_chooses(running: World, account_id: int, ana: Visitor) -> None:
    """Somebody else's account is not there, whatever is asked; without a token nothing goes."""
    assert ana.post(f"/accounts/{account_id}", "PATCH", visibility="public").status_code == 404
    form = ana.submit(f"/accounts/{account_id}/visibility", visibility="public")
    assert form.status_code == 404
    bare = ana.http.post(f"{ana.site}/accounts/{account_id}/visibility", timeout=20)
    assert bare.status_code == 400
    stranger = Visitor(running.site)
    answer = stranger.post(f"/accounts/{account_id}", "PATCH", visibility="public")
    assert answer.status_code == 401
    assert chosen(running, account_id) == ""
