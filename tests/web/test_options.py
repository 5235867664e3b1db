"""What the posts of single accounts have beyond their text: set, refused, shown, changed."""

from __future__ import annotations

from typing import Any

import pytest

from app.accounts import limits
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World
from tests.web.conftest import ConnectSomebody

JSON = {"Accept": "application/json"}
LATER = "in 2 hours"
POLL = {"options": ["Tea", "Coffee"], "expires_in": 3600, "multiple": True}


@pytest.fixture
def everywhere(connect_somebody: ConnectSomebody) -> dict[str, int]:
    """Somebody new, signed in, with an account on each network: ids by network."""
    return connect_somebody("mastodon", "bluesky", "facebook")


def offered(visitor: Visitor, account_id: int) -> dict[str, Any]:
    """Return what an account's composer offers."""
    answer = visitor.get(f"/accounts/{account_id}/options", headers=JSON)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()["options"]
    return found


def options_of(visitor: Visitor, tweet_id: int) -> dict[str, Any]:
    """Return what is stored for a tweet, by network."""
    jobs = visitor.get(f"/tweets/{tweet_id}", headers=JSON).json()["jobs"]
    return {job["network"]: job["options"] for job in jobs}


def test_what_is_offered(
    running: World, visitor: Visitor, ben: Visitor, everywhere: dict[str, int]
) -> None:
    """Each network's own names; what a server says is told as the server's; others see nothing."""
    names = {network: set(offered(visitor, one)) for network, one in everywhere.items()}
    assert names == {
        "x": {"reply_settings", "made_with_ai", "poll"},
        "mastodon": {"visibility", "spoiler_text", "sensitive", "language", "poll"},
        "bluesky": {"langs", "labels", "threadgate", "postgate", "quote"},
        "facebook": {"link"},
    }
    with running.rows():
        limits.measure([everywhere["mastodon"]])  # or a worker does it just now
    mastodon = wait_for(lambda: _told_by_server(visitor, everywhere["mastodon"]))
    assert mastodon["visibility"] == {
        "type": "choice",
        "values": ["public", "unlisted", "private"],
        "default": "public",
        "max": None,
        "source": "server",
    }
    assert mastodon["poll"]["max"]["options"] == 4
    assert offered(visitor, everywhere["x"])["poll"]["source"] == "network"
    assert ben.get(f"/accounts/{everywhere['x']}/options", headers=JSON).status_code == 404


def _told_by_server(visitor: Visitor, account_id: int) -> Any:
    found = offered(visitor, account_id)
    return found if found["poll"]["source"] == "server" else None


def test_set_shown_and_changed(visitor: Visitor, everywhere: dict[str, int]) -> None:
    """They are stored for their account, a change keeps the others, null takes them back."""
    mastodon, bluesky = str(everywhere["mastodon"]), str(everywhere["bluesky"])
    given = {mastodon: {"visibility": "unlisted", "poll": POLL}, bluesky: {"langs": ["es", "en"]}}
    made = visitor.post("/tweets", text="Vote", when=LATER, accounts="all", options=given).json()
    tweet_id = made["tweet"]["id"]
    assert options_of(visitor, tweet_id) == {
        "x": {},
        "mastodon": given[mastodon],
        "bluesky": given[bluesky],
        "facebook": {},
    }
    page = visitor.get(f"/tweets/{tweet_id}").text
    assert "Tea / Coffee" in page
    assert "Quiet public" in page
    path = f"/tweets/{tweet_id}"
    assert visitor.post(path, "PATCH", text="Vote now").status_code == 200
    assert options_of(visitor, tweet_id)["mastodon"] == given[mastodon]
    changed = {mastodon: None, str(everywhere["x"]): {"reply_settings": "following"}}
    assert visitor.post(path, "PATCH", options=changed).status_code == 200
    assert options_of(visitor, tweet_id) == {
        "x": {"reply_settings": "following"},
        "mastodon": {},
        "bluesky": given[bluesky],
        "facebook": {},
    }


IMPOSSIBLE: list[tuple[str, dict[str, Any], str]] = [
    ("mastodon", {"visibility": "direct"}, "option_value"),
    ("mastodon", {"mood": "good"}, "option_unknown"),
    ("mastodon", {"sensitive": 1}, "option_value"),
    ("mastodon", {"language": "english"}, "option_value"),
    ("mastodon", {"spoiler_text": "x" * 500}, "warning_too_long"),
    ("mastodon", {"spoiler_text": "a\u0007b"}, "option_characters"),
    ("mastodon", {"poll": {**POLL, "options": ["One"]}}, "poll_answers"),
    ("mastodon", {"poll": {**POLL, "options": ["x" * 51, "y"]}}, "poll_answer_too_long"),
    ("mastodon", {"poll": {**POLL, "options": ["y", "y"]}}, "poll_answer_twice"),
    ("mastodon", {"poll": {**POLL, "expires_in": 299}}, "poll_duration"),
    ("mastodon", {"poll": {**POLL, "expires_in": "3600"}}, "poll_duration"),
    ("mastodon", {"poll": {**POLL, "color": "red"}}, "poll_form"),
    ("bluesky", {"langs": ["en", "es", "de", "fr"]}, "option_too_many"),
    ("bluesky", {"labels": ["rude"]}, "option_value"),
    ("bluesky", {"threadgate": ["nobody", "mentionRule"]}, "option_not_together"),
    ("bluesky", {"quote": "https://example.com/"}, "option_post"),
    ("x", {"reply_settings": "everyone"}, "option_value"),
    ("x", {"quote_tweet_id": "1"}, "option_unknown"),
    ("x", {"poll": {"options": ["a", "b" * 26], "duration_minutes": 5}}, "poll_answer_too_long"),
    ("facebook", {"link": "javascript:alert(1)"}, "option_link"),
]


def test_what_is_impossible_is_refused(visitor: Visitor, everywhere: dict[str, int]) -> None:
    """422 with the field of the account and a sentence that names the network, and nothing kept."""
    for network, given, code in IMPOSSIBLE:
        number = everywhere[network]
        asked = {"accounts": [number], "options": {str(number): given}}
        answer = visitor.post("/tweets", text="Hello", when=LATER, **asked)
        error = answer.json()["error"]
        found = (answer.status_code, error["field"], error["code"])
        assert found == (422, f"options-{number}", code), given
        assert "%" not in error["message"]
    asked = {"accounts": [everywhere["x"]], "options": {str(everywhere["facebook"]): {"link": "x"}}}
    error = visitor.post("/tweets", text="Hello", when=LATER, **asked).json()["error"]
    assert (error["field"], error["code"]) == (
        f"options-{everywhere['facebook']}",
        "option_not_chosen",
    )
    assert visitor.get("/tweets", headers=JSON).json()["tweets"] == []


def test_a_form_sets_and_keeps_them(visitor: Visitor, everywhere: dict[str, int]) -> None:
    """The composer's own fields do the same; the edit page has them filled in, and keeps them."""
    mastodon, bluesky = everywhere["mastodon"], everywhere["bluesky"]
    start = {"csrf_token": visitor.token(), "text": "By a form", "when": LATER}
    assert f"options-{mastodon}" not in visitor.get("/").text  # a light page: scripts fetch them
    fetched = visitor.get(f"/accounts/{mastodon}/option-fields").text
    plain = visitor.http.post(f"{visitor.site}/tweets", data={**start, "more": "1"}).text
    for page in (fetched, plain):
        assert f'name="options-{mastodon}-visibility"' in page
    fields = {
        "accounts": [str(mastodon), str(bluesky)],
        f"options-{mastodon}-spoiler_text": " Tea ahead ",
        f"options-{mastodon}-sensitive": "1",
        f"options-{mastodon}-language": "EN",
        f"options-{mastodon}-poll-options": ["Tea", "", "Coffee", ""],
        f"options-{mastodon}-poll-expires_in": "86400",
        f"options-{bluesky}-langs": "en, es",
        f"options-{bluesky}-threadgate": ["", "mentionRule"],
        f"options-{bluesky}-quote": "",
        f"options-{everywhere['facebook']}-link": "",
    }
    answer = visitor.http.post(f"{visitor.site}/tweets", data={**start, **fields})
    assert answer.history[0].status_code == 303
    tweet = visitor.get("/tweets", headers=JSON).json()["tweets"][0]
    stored = {
        "mastodon": {
            "spoiler_text": "Tea ahead",
            "sensitive": True,
            "language": "en",
            "poll": {"options": ["Tea", "Coffee"], "expires_in": 86400, "multiple": False},
        },
        "bluesky": {"langs": ["en", "es"], "threadgate": ["mentionRule"]},
    }
    assert options_of(visitor, tweet["id"]) == stored

    edit = visitor.get(f"/tweets/{tweet['id']}/edit").text
    for shown in ('value="Tea ahead"', 'value="Coffee"', 'value="en, es"'):
        assert shown in edit
    saved = visitor.http.post(
        f"{visitor.site}/tweets/{tweet['id']}/edit",
        data={"csrf_token": visitor.token(), "text": "By another form", **fields, "accounts": []},
    )
    assert saved.history[0].status_code == 303
    assert options_of(visitor, tweet["id"]) == stored

    kept = visitor.post("/drafts", text="Later", options={str(mastodon): {"spoiler_text": "Cats"}})
    shown = visitor.get(f"/?draft={kept.json()['draft']['id']}").text
    assert 'value="Cats"' in shown
    assert f'id="options-{bluesky}-error"' not in shown

    wrong = {**fields, f"options-{mastodon}-poll-options": ["Tea"]}
    refused = visitor.http.post(f"{visitor.site}/tweets", data={**start, **wrong})
    assert refused.status_code == 422
    assert f'id="options-{mastodon}-error"' in refused.text
    assert "2 to 4 answers" in refused.text
    assert 'value="Tea ahead"' in refused.text
