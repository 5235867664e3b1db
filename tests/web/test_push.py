"""Where else people are told: what programs may send, and what nobody sees again."""

from __future__ import annotations

from tests.support.push_browser import Browser
from tests.support.visitor import Visitor

JSON = {"Accept": "application/json"}


def test_a_browser(ana: Visitor, ben: Visitor) -> None:
    """It subscribes once, and only its person ends that."""
    assert len(ana.get("/push/key", headers=JSON).json()["key"]) == 87
    given = Browser("http://127.0.0.1:9").subscription | {"expirationTime": None}
    first, again = (ana.post("/push/subscriptions", **given) for _ in range(2))
    assert (first.status_code, first.json()) == (201, again.json())
    path = f"/push/subscriptions/{first.json()['id']}"
    assert ben.post(path, "DELETE").status_code == 404
    assert ana.post(path, "DELETE").status_code == 204
    wrong = ana.post("/push/subscriptions", **{**given, "endpoint": "ftp://127.0.0.1/"})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "endpoint")


def test_the_script_may_speak_for_all_pages(ana: Visitor) -> None:
    """It is at the root, and no cache keeps an old one."""
    script = ana.get("/service-worker.js")
    assert "showNotification" in script.text
    assert "javascript" in script.headers["Content-Type"]
    assert script.headers["Cache-Control"] == "no-cache"


def test_an_url(ana: Visitor) -> None:
    """It is kept, and only its service is shown again."""
    kept = ana.post("/settings/alert-url", url="tgram://123456:secret-word/42")
    assert (kept.status_code, kept.json()) == (200, {"service": "tgram"})
    page = ana.get("/settings").text
    assert "Now: tgram." in page
    assert "secret-word" not in page
    for url, code in (("mailto://a@example.com", "unknown_scheme"), ("tgram://1?x=y", "bad_url")):
        refused = ana.post("/settings/alert-url", url=url)
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, code)
    assert ana.submit("/settings/alert-url", url="").status_code in {200, 303}
    assert "Now: tgram." not in ana.get("/settings").text
