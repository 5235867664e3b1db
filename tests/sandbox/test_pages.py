"""The pages for people: control panel, consent, public Tweets."""

import re

import pytest
import requests


def page(sandbox, path="/"):
    """The text of a page that must be there."""
    answer = sandbox.http.get(sandbox.url + path, timeout=10)
    assert answer.status_code == 200
    return answer


def submit(sandbox, path, origin=None, **form):
    """Send a form as a browser would."""
    headers = {"Origin": origin or sandbox.url, "Sec-Fetch-Site": "same-origin"}
    return sandbox.http.post(sandbox.url + path, data=form, headers=headers, timeout=10)


def test_control_page_shows_what_it_holds(sandbox, ana):
    """The panel says that nothing leaves the machine and lists Tweets, newest first, escaped."""
    sandbox.create(ana, "First <b>bold</b> example.com")
    sandbox.create(ana, "Second")
    text = page(sandbox).text
    assert "nothing leaves this machine" in text
    assert text.index("Second") < text.index("First &lt;b&gt;bold&lt;/b&gt; example.com")


def test_every_button_sets_a_fault(sandbox):
    """Each one-click button sets one fault, which the page lists with a way to remove it."""
    names = re.findall(r'name="preset" value="([^"]+)"', page(sandbox).text)
    assert len(names) >= 15
    for number, name in enumerate(names, 1):
        answer = submit(sandbox, "/control/faults", preset=name, who="ben")
        assert answer.status_code == 200
        assert len(sandbox.state()["faults"]) == number
    assert {fault["handle"] for fault in sandbox.state()["faults"]} == {"ben"}
    for path in re.findall(r'action="(/control/faults/\d+/remove)"', page(sandbox).text):
        submit(sandbox, path)
    assert sandbox.state()["faults"] == []


def test_settings_form(sandbox):
    """Read lag and the duplicate rule can be set on the page; nonsense changes nothing."""
    submit(sandbox, "/control/settings", read_lag="7")
    settings = sandbox.state()["settings"]
    assert (settings["read_lag"], settings["duplicate_window"]) == (7, 0)
    assert "cannot be done" in submit(sandbox, "/control/settings", read_lag="301").text
    submit(sandbox, "/control/settings", read_lag="0", duplicates="refuse")
    settings = sandbox.state()["settings"]
    assert (settings["read_lag"], settings["duplicate_window"]) == (0, 86_400)


def test_revoke_button(sandbox, ana):
    """The panel ends a person's access, or only the access token."""
    submit(sandbox, "/control/revoke", what="expire ana")
    assert sandbox.call("GET", "/2/users/me", ana).status_code == 401
    new = sandbox.refresh(ana)
    assert new.status_code == 200
    submit(sandbox, "/control/revoke", what="revoke ana")
    assert sandbox.refresh(new.json()).status_code == 400


def test_reset_button(sandbox, ana):
    """Start over forgets Tweets and tokens."""
    sandbox.create(ana, "Forget me")
    submit(sandbox, "/control/reset")
    assert sandbox.state()["accepted_count"] == 0
    assert sandbox.call("GET", "/2/users/me", ana).status_code == 401


@pytest.mark.parametrize("path", ["/control/reset", "/control/api/reset", "/control/revoke"])
@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_foreign_forms_are_refused(sandbox, ana, path, headers):
    """A form on another site cannot work the panel."""
    sandbox.create(ana, "Still here")
    form = {"what": "revoke ana"}
    answer = requests.post(sandbox.url + path, data=form, headers=headers, timeout=10)
    assert answer.status_code == 403
    assert sandbox.state()["accepted_count"] == 1
    assert sandbox.call("GET", "/2/users/me", ana).status_code == 200


def test_control_api_takes_json_only(sandbox):
    """Text that happens to be JSON, as a foreign form could send it, is refused."""
    headers = {"Content-Type": "text/plain"}
    url = f"{sandbox.url}/control/api/faults"
    answer = requests.post(url, data=b'{"kind": "drop"}', headers=headers, timeout=10)
    assert answer.status_code == 400
    assert sandbox.state()["faults"] == []


def test_strict_policy(sandbox):
    """Pages run no scripts, and hold none."""
    answer = page(sandbox)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script" not in answer.text
    assert " style=" not in answer.text


def test_public_pages(sandbox, ana):
    """A link to a Tweet or a person leads to a page; a wrong one to a 404."""
    tweet_id = sandbox.create(ana, "Look: example.com/a?b=1&c").json()["data"]["id"]
    assert "example.com/a?b=1&amp;c" in page(sandbox, f"/ana/status/{tweet_id}").text
    assert page(sandbox, f"/i/status/{tweet_id}").url.endswith(f"/ana/status/{tweet_id}")
    assert "Look:" in page(sandbox, "/ana").text
    assert page(sandbox, "/i/avatar/ana.png").headers["Content-Type"].startswith("image/png")
    html = {"Accept": "text/html"}
    for path in ("/ana/status/1", "/nobody_here"):
        answer = sandbox.http.get(sandbox.url + path, headers=html, timeout=10)
        assert (answer.status_code, "<h1>Not Found</h1>" in answer.text) == (404, True)


CONSENT = {
    "response_type": "code",
    "client_id": "sandbox-client",
    "redirect_uri": "http://127.0.0.1:8000/login/x/callback",
    "scope": "tweet.read tweet.write users.read offline.access",
    "state": "s",
    "code_challenge": "c" * 43,
    "code_challenge_method": "plain",
}


@pytest.mark.parametrize("handle", ["with space", "a" * 16, "<b>"])
def test_impossible_handle(sandbox, handle):
    """A handle that cannot be gets the page again, with the reason and what was typed."""
    form = {"handle": handle, "decision": "approve", "person": "ana"}
    url = f"{sandbox.url}/i/oauth2/authorize"
    answer = requests.post(url, params=CONSENT, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 422
    assert "1 to 15 letters" in answer.text
    assert "<b>" not in answer.text
