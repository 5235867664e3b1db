"""What X shows of a past: posts, likes, followed accounts; what it costs, and when credits end."""

import pytest

LISTS = {"posts": "tweets", "likes": "liked_tweets", "follows": "following"}
EVERYTHING = {"tweet.fields": "public_metrics,created_at,entities,edit_history_tweet_ids"}


def read(sandbox, token, what, **query):
    """One page of a list of the token's owner."""
    path = f"/2/users/{token['id']}/{LISTS[what]}"
    return sandbox.call("GET", path, token, params=query)


def pages(sandbox, token, what, **query):
    """Every page of a list, led on by its tokens."""
    found = []
    while not found or "next_token" in found[-1]["meta"]:
        if found:
            query["pagination_token"] = found[-1]["meta"]["next_token"]
        answer = read(sandbox, token, what, **query)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
    return found


def test_a_long_past(sandbox, ana):
    """All of it can be read, at most 3,200 Tweets deep, within a moment."""
    wish = {"posts": 3300, "likes": 130, "follows": 1100, "topics": ["python"], "days": 900}
    made = sandbox.control("history", handle="ana", **wish)
    assert made == {"posts": 3300, "likes": 130, "follows": 1100}
    posts = pages(sandbox, ana, "posts", max_results=100, **EVERYTHING)
    assert [page["meta"]["result_count"] for page in posts] == [100] * 32
    listed = [tweet for page in posts for tweet in page["data"]]
    ids = [int(tweet["id"]) for tweet in listed]
    assert ids == sorted(set(ids), reverse=True)
    assert sum(tweet["public_metrics"]["like_count"] for tweet in listed) > 10_000
    assert any(
        tag["tag"] == "python" and tweet["text"][tag["start"] : tag["end"]] == "#python"
        for tweet in listed
        for tag in tweet.get("entities", {}).get("hashtags", [])
    )
    pictures = [tweet for tweet in listed if tweet["text"].startswith("https://t.co/")]
    assert pictures
    assert all("media_key" in tweet["entities"]["urls"][0] for tweet in pictures)
    likes = pages(sandbox, ana, "likes", max_results=100, expansions="author_id")
    assert [len(page["data"]) for page in likes] == [100, 30]
    authors = {one["id"] for page in likes for one in page["includes"]["users"]}
    again = pages(sandbox, ana, "likes", **{"tweet.fields": "author_id"})
    assert {tweet["author_id"] for page in again for tweet in page["data"]} == authors
    assert [page["data"] for page in likes] == [
        [{name: tweet[name] for name in tweet if name != "author_id"} for tweet in page["data"]]
        for page in again
    ]
    follows = pages(sandbox, ana, "follows", max_results=1000)
    assert [len(page["data"]) for page in follows] == [1000, 100]
    assert set(follows[0]["data"][0]) == {"id", "name", "username"}
    facts = sandbox.state()
    assert facts["reads"] == {"ana": {"posts": 3200, "likes": 260, "follows": 1100}}
    assert (facts["accepted_count"], facts["duplicates"], facts["tweets"]) == (0, [], [])


@pytest.mark.parametrize(("what", "scope"), [("likes", "like.read"), ("follows", "follows.read")])
def test_scopes(sandbox, what, scope):
    """Each list has a scope of its own; likes are their owner's alone."""
    read_only = "tweet.read users.read"
    allowed = sandbox.mint("ana", scope=f"{read_only} {scope}")
    assert read(sandbox, allowed, what).json() == {"meta": {"result_count": 0}}
    assert read(sandbox, sandbox.mint("ana", scope=read_only), what).status_code == 403
    other = sandbox.mint("ben", scope=f"{read_only} {scope}") | {"id": allowed["id"]}
    assert read(sandbox, other, what).status_code == (403 if what == "likes" else 200)


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("likes", {"max_results": 4}),
        ("likes", {"max_results": 101}),
        ("likes", {"since_id": "1"}),
        ("follows", {"max_results": 0}),
        ("follows", {"max_results": 1001}),
        ("follows", {"pagination_token": "x"}),
    ],
)
def test_strict_queries(sandbox, ana, what, query):
    """What X does not take is refused."""
    answer = read(sandbox, ana, what, **query)
    assert (answer.status_code, answer.json()["title"]) == (400, "Invalid Request")


@pytest.mark.parametrize("what", LISTS)
def test_a_page_that_leads_to_itself(sandbox, ana, what):
    """The loop is there as often as was asked for; afterwards the pages lead on."""
    sandbox.control("history", handle="ana", posts=12, likes=12, follows=12)
    sandbox.fault("page_loop", {"posts": "timeline"}.get(what, what), count=2)
    first, again, *rest = (page["data"] for page in pages(sandbox, ana, what, max_results=5))
    assert first == again == rest[0]
    assert [len(page) for page in rest[1:]] == [5, 2]


def test_limits_and_faults(sandbox, ana):
    """Likes and follows have limits of their own, and every fault fits them."""
    sandbox.settings(limits={"likes": 1, "follows": 2})
    assert [read(sandbox, ana, "likes").status_code for _ in range(2)] == [200, 429]
    assert read(sandbox, ana, "follows").headers["x-rate-limit-limit"] == "2"
    sandbox.fault("status", "follows", status=502)
    assert read(sandbox, ana, "follows").status_code == 502
    body = {"operation": "create", "kind": "page_loop"}
    refused = sandbox.http.post(f"{sandbox.url}/control/api/faults", json=body, timeout=10)
    assert refused.status_code == 400


def test_prices(sandbox, ana):
    """Each thing is charged once in a day, by what it is and whose app reads it."""
    sandbox.control("history", handle="ana", posts=10, likes=10, follows=10)
    costs = []
    for what in ("posts", "posts", "likes", "follows"):
        read(sandbox, ana, what, max_results=10)
        costs.append(sandbox.state()["cost_usd"])
    assert costs == [0.05, 0.05, 0.06, 0.16]
    sandbox.create(ana, "Without a link")
    tweet = sandbox.create(ana, "With https://example.com").json()["data"]
    assert sandbox.state()["cost_usd"] == 0.375
    sandbox.call("DELETE", f"/2/tweets/{tweet['id']}", ana)
    assert sandbox.state()["cost_usd"] == 0.385
    sandbox.control("reset", keep_tokens=True)
    sandbox.control("history", handle="ana", posts=10)
    sandbox.settings(app_owner="ana")
    read(sandbox, ana, "posts", max_results=10)
    assert sandbox.state()["cost_usd"] == 0.01


def test_credits(sandbox, ana):
    """The last call may overdraw them; then nothing is answered until there are more."""
    sandbox.control("history", handle="ana", posts=20)
    sandbox.settings(credits_usd=0.04)
    assert read(sandbox, ana, "posts", max_results=10).status_code == 200
    refused = read(sandbox, ana, "posts", max_results=10)
    assert (refused.status_code, refused.json()["title"]) == (402, "CreditsDepleted")
    assert sandbox.create(ana, "No money").status_code == 402
    sandbox.settings(credits_usd=None)
    assert read(sandbox, ana, "posts", max_results=10).status_code == 200


def test_a_person_edits_and_deletes(sandbox, ana):
    """An edit is a new Tweet that knows the versions before it; deleting ends all of them."""
    old = sandbox.create(ana, "Frist")
    old_id = old.json()["data"]["id"]
    post = f"{sandbox.url}/control/api/posts/"
    new = sandbox.http.patch(post + old_id, json={"text": "First"}, timeout=10).json()["post"]
    (listed,) = sandbox.timeline(ana)["data"]
    assert listed == {
        "id": new["id"],
        "text": "First",
        "edit_history_tweet_ids": [old_id, new["id"]],
    }
    before = sandbox.call("GET", f"/2/tweets/{old_id}", ana).json()["data"]
    assert (before["text"], before["edit_history_tweet_ids"]) == ("Frist", [old_id, new["id"]])
    assert sandbox.state()["accepted_count"] == 1
    assert sandbox.http.delete(post + new["id"], timeout=10).json()["post"]["deleted"]
    assert "data" not in sandbox.timeline(ana)
    assert sandbox.call("GET", f"/2/tweets/{old_id}", ana).status_code == 404
