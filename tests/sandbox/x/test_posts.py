"""Creating, reading and deleting Tweets."""

import concurrent.futures
import json
from datetime import UTC, datetime, timedelta

import pytest


def test_create(sandbox, ana):
    """An accepted Tweet is answered with 201, its id and its text, and is counted once."""
    answer = sandbox.create(ana, "Hello")
    data = answer.json()["data"]
    assert (answer.status_code, data["text"]) == (201, "Hello")
    assert data["id"].isdecimal()
    facts = sandbox.state()
    assert [(t["handle"], t["text"], t["id"]) for t in facts["tweets"]] == [
        ("ana", "Hello", data["id"])
    ]
    assert (facts["create_calls"], facts["duplicates"]) == (1, [])


def test_ids_are_ordered_in_time(sandbox, ana):
    """A later Tweet has a larger id of 19 digits."""
    ids = [sandbox.create(ana, f"Number {n}").json()["data"]["id"] for n in range(5)]
    assert ids == sorted(ids)
    assert {len(tweet_id) for tweet_id in ids} == {19}


@pytest.mark.parametrize(
    "body",
    [
        {"text": "x", "surprise": 1},
        {"text": 5},
        {"text": "  "},
        {"text": "a\ufffeb"},
        {},
        {"text": "x", "reply": {}},
        {"text": "x", "reply": {"in_reply_to_tweet_id": 5}},
        {"text": "x", "poll": {"options": ["one"], "duration_minutes": 5}},
        {"text": "x", "media": {"media_ids": ["1"]}},
        {"text": "x", "reply_settings": "everyone"},
        ["text"],
    ],
)
def test_strict_body(sandbox, ana, body):
    """A body that X does not define is refused, and nothing is accepted."""
    answer = sandbox.call("POST", "/2/tweets", ana, json=body)
    assert (answer.status_code, answer.json()["title"]) == (400, "Invalid Request")
    assert sandbox.state()["accepted_count"] == 0


@pytest.mark.parametrize("data", [b"{", b"\xff", b""])
def test_broken_json(sandbox, ana, data):
    """A body that is no JSON is refused, and the connection stays usable."""
    headers = ana["auth"] | {"Content-Type": "application/json"}
    answer = sandbox.http.post(f"{sandbox.url}/2/tweets", data=data, headers=headers, timeout=10)
    assert answer.status_code == 400
    assert sandbox.create(ana, "After that").status_code == 201


def test_json_only(sandbox, ana):
    """A form is refused, even with the right field."""
    assert sandbox.call("POST", "/2/tweets", ana, data={"text": "x"}).status_code == 400


@pytest.mark.parametrize(
    ("text", "status"), [("a" * 280, 201), ("a" * 281, 403), ("漢" * 140, 201), ("漢" * 141, 403)]
)
def test_weighted_length(sandbox, ana, text, status):
    """280 weighted characters fit, 281 do not."""
    assert sandbox.create(ana, text).status_code == status


def test_duplicate(sandbox, ana):
    """The same text again is refused to the same account while the window lasts, deleted or not."""
    first = sandbox.create(ana, "Cafe\u0301").json()["data"]["id"]
    again = sandbox.create(ana, " Caf\u00e9\r\n")
    assert again.status_code == 403
    assert again.json() == {
        "title": "Forbidden",
        "detail": "You are not allowed to create a Tweet with duplicate content.",
        "type": "about:blank",
        "status": 403,
    }
    assert sandbox.create(sandbox.mint("ben"), "Café").status_code == 201
    assert sandbox.call("DELETE", f"/2/tweets/{first}", ana).json() == {"data": {"deleted": True}}
    assert sandbox.create(ana, "Café").status_code == 403
    sandbox.control("settings", duplicate_window=60, clock_offset=61)
    assert sandbox.create(ana, "Café").status_code == 201
    expected = [{"handle": "ana", "text": "Café", "count": 2}]
    assert sandbox.state()["duplicates"] == expected


def test_duplicates_allowed(sandbox, ana):
    """With the window at 0 the same text is accepted again."""
    sandbox.control("settings", duplicate_window=0)
    assert [sandbox.create(ana, "Again").status_code for _ in range(2)] == [201, 201]


def test_duplicate_race(sandbox, ana):
    """Of many equal creates at once exactly one is accepted."""
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: sandbox.create(ana, "Me first").status_code, range(20)))
    assert sorted(answers) == [201] + [403] * 19
    assert sandbox.state()["accepted_count"] == 1


def test_reply(sandbox, ana):
    """A reply to an own Tweet passes; to somebody else's only when that one mentions the author."""
    ben = sandbox.mint("ben")
    own = sandbox.create(ana, "One").json()["data"]["id"]
    reply = sandbox.create(ana, "Two", reply={"in_reply_to_tweet_id": own})
    assert reply.status_code == 201
    shown = sandbox.timeline(ana, **{"tweet.fields": "referenced_tweets,conversation_id"})["data"]
    assert shown[0]["referenced_tweets"] == [{"type": "replied_to", "id": own}]
    assert shown[0]["conversation_id"] == own
    refused = sandbox.create(ben, "May I?", reply={"in_reply_to_tweet_id": own})
    assert (refused.status_code, refused.json()["title"]) == (403, "Authorization Error")
    asked = sandbox.create(ana, "What says @ben?").json()["data"]["id"]
    assert sandbox.create(ben, "This", reply={"in_reply_to_tweet_id": asked}).status_code == 201
    gone = sandbox.create(ana, "Three", reply={"in_reply_to_tweet_id": "1"})
    assert (gone.status_code, gone.json()["resource_id"]) == (404, "1")


def test_links_and_entities(sandbox, ana):
    """Links come back as t.co with the original in the entities; &, < and > as HTML entities."""
    text = "A & B <c> http://test.co/?a=1&b=2 and example.com"
    data = sandbox.create(ana, text).json()["data"]
    assert data["text"].startswith("A &amp; B &lt;c&gt; https://t.co/")
    shown = sandbox.timeline(ana, **{"tweet.fields": "entities"})["data"][0]
    assert shown["text"] == data["text"]
    urls = shown["entities"]["urls"]
    assert [url["expanded_url"] for url in urls] == [
        "http://test.co/?a=1&b=2",
        "http://example.com",
    ]
    for url in urls:
        assert shown["text"][url["start"] : url["end"]] == url["url"]


def test_timeline_pages(sandbox, ana):
    """Following next_token shows every Tweet once, newest first."""
    sandbox.control("settings", limits={"create": 1000})
    ids = [sandbox.create(ana, f"Page {n}").json()["data"]["id"] for n in range(12)]
    seen, query = [], {"max_results": 5}
    while True:
        page = sandbox.timeline(ana, **query)
        seen += [tweet["id"] for tweet in page["data"]]
        if "next_token" not in page["meta"]:
            break
        query["pagination_token"] = page["meta"]["next_token"]
    assert seen == ids[::-1]


def test_timeline_window(sandbox, ana):
    """since_id, until_id, start_time, end_time and exclude cut the timeline."""
    ids = [sandbox.create(ana, f"Window {n}").json()["data"]["id"] for n in range(3)]
    reply = {"in_reply_to_tweet_id": ids[0]}
    ids.append(sandbox.create(ana, "Window reply", reply=reply).json()["data"]["id"])

    def shown(**query):
        return [tweet["id"] for tweet in sandbox.timeline(ana, **query).get("data", [])]

    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert shown(since_id=ids[1]) == [ids[3], ids[2]]
    assert shown(until_id=ids[1]) == [ids[0]]
    assert shown(exclude="replies") == ids[2::-1]
    assert shown(end_time=later) == ids[::-1]
    empty = sandbox.timeline(ana, start_time=later)
    assert empty == {"meta": {"result_count": 0}}


def test_field_selectors(sandbox, ana):
    """tweet.fields and post.fields both work; without them there are id, text, edit history."""
    sandbox.create(ana, "Fields")
    plain = sandbox.timeline(ana)["data"][0]
    assert set(plain) == {"id", "text", "edit_history_tweet_ids"}
    assert "created_at" in sandbox.timeline(ana, **{"tweet.fields": "created_at"})["data"][0]
    new = sandbox.timeline(ana, **{"post.fields": "created_at"})["data"][0]
    assert {"created_at", "edit_history_post_ids"} <= set(new)


@pytest.mark.parametrize(
    "query",
    [
        {"max_results": 4},
        {"max_results": 101},
        {"since_id": "x"},
        {"start_time": "yesterday"},
        {"start_time": "2026-13-01T00:00:00Z"},
        {"tweet.fields": "surprise"},
        {"pagination_token": "x"},
        {"surprise": "1"},
    ],
)
def test_strict_query(sandbox, ana, query):
    """A query that X does not define is refused."""
    answer = sandbox.call("GET", f"/2/users/{ana['id']}/tweets", ana, params=query)
    assert (answer.status_code, answer.json()["title"]) == (400, "Invalid Request")


def test_read_lag(sandbox, ana):
    """A Tweet is accepted at once and can be read when the lag has passed."""
    sandbox.control("settings", read_lag=120)
    tweet_id = sandbox.create(ana, "Soon").json()["data"]["id"]
    assert sandbox.state()["accepted_count"] == 1
    assert sandbox.timeline(ana) == {"meta": {"result_count": 0}}
    assert sandbox.call("GET", f"/2/tweets/{tweet_id}", ana).status_code == 404
    sandbox.control("settings", clock_offset=121)
    assert [tweet["id"] for tweet in sandbox.timeline(ana)["data"]] == [tweet_id]


def test_lookup_and_delete(sandbox, ana):
    """Tweets are found by id until they are deleted, which only their author may do."""
    tweet_id = sandbox.create(ana, "Find me").json()["data"]["id"]
    assert sandbox.call("GET", f"/2/tweets/{tweet_id}", ana).json()["data"]["text"] == "Find me"
    both = sandbox.call("GET", "/2/tweets", ana, params={"ids": f"{tweet_id},1"}).json()
    assert [tweet["id"] for tweet in both["data"]] == [tweet_id]
    assert both["errors"][0]["resource_id"] == "1"
    assert sandbox.call("DELETE", f"/2/tweets/{tweet_id}", sandbox.mint("ben")).status_code == 403
    assert sandbox.call("DELETE", f"/2/tweets/{tweet_id}", ana).status_code == 200
    assert sandbox.call("GET", f"/2/tweets/{tweet_id}", ana).status_code == 404
    assert sandbox.timeline(ana)["meta"]["result_count"] == 0


@pytest.mark.parametrize("path", ["/2/nothing", "/1.1/statuses/update.json", "/2/users/me/x"])
def test_unknown_path(sandbox, ana, path):
    """An unknown path gets X's own 404."""
    answer = sandbox.call("GET", path, ana)
    assert answer.status_code == 404
    assert json.loads(answer.text)["title"] == "Not Found"


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}]
)
def test_no_token(sandbox, header):
    """Without a known token there is a 401 and nothing else."""
    answer = sandbox.http.get(f"{sandbox.url}/2/users/me", headers=header, timeout=10)
    assert answer.status_code == 401
    assert answer.json() == {
        "title": "Unauthorized",
        "detail": "Unauthorized",
        "type": "about:blank",
        "status": 401,
    }
