"""One tweet for every connected account: in JSON, as a form and from Python."""

from __future__ import annotations

from app.models import User
from tests.support.visitor import Visitor
from tests.support.world import World
from tests.web.conftest import ConnectSomebody

JSON = {"Accept": "application/json"}


def test_all_of_them(running: World, visitor: Visitor, connect_somebody: ConnectSomebody) -> None:
    """``all`` is every connected account; so is the box of the form; another word is refused."""
    everywhere = connect_somebody("mastodon", "bluesky")
    asked = {"text": "For everybody", "when": "in 2 hours"}
    made = visitor.post("/tweets", accounts="all", **asked).json()
    assert [job["network"] for job in made["jobs"]] == ["x", "mastodon", "bluesky"]
    refused = visitor.post("/tweets", accounts="some", **asked)
    assert refused.status_code == 422
    assert refused.json()["error"]["field"] == "accounts"

    form = {"csrf_token": visitor.token(), "text": "By a form", "when": "in 2 hours"}
    ticked = ["all", str(everywhere["x"])]
    page = visitor.http.post(f"{visitor.site}/tweets", data={**form, "accounts": ticked})
    assert page.history[0].status_code == 303
    newest = visitor.get("/tweets", headers=JSON).json()["tweets"][0]
    assert (newest["text"], len(newest["jobs"])) == ("By a form", 3)

    with running.rows():
        user = User.by_handle(newest["jobs"][0]["handle"])
        job_id = user.tweet_later("From Python", "in 2 hours", accounts="all")
    assert len(running.jobs_of(job_id)) == 3
