"""What every answer says to browsers and caches, and which names are answered at all."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.conftest import MakeWorld
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow

OURS = "tweets.example"
PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": "k" * 32,
    "APP_URL": f"https://{OURS}",
    "BEHIND_PROXY": "1",
    "TRUSTED_HOSTS": "www.tweets.example,.more.example,10.1.2.3",
    "ALLOW_PRIVATE_SERVERS": "1",
}


@pytest.fixture(scope="module")
def production(make_lasting_world: MakeWorld) -> World:
    """The pages as in production, behind a proxy with a certificate; no worker."""
    world = make_lasting_world(**PRODUCTION)
    world.site = world.start_web()
    return world


def ask(site: str, path: str, host: str = OURS, scheme: str = "https", **more: Any) -> Any:
    """Ask as a proxy does that came by https, following no redirect."""
    headers = {"Host": host, "X-Forwarded-Proto": scheme, **more.pop("headers", {})}
    verb = more.pop("verb", "GET")
    return requests.request(
        verb, f"{site}{path}", headers=headers, allow_redirects=False, timeout=20, **more
    )


def assert_guarded(answer: requests.Response) -> None:
    """Nothing inline, framed by nobody, taken for nothing else, told to nobody."""
    headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


# Names


def test_production_answers_under_its_own_names_only(production: World) -> None:
    """A stranger's name reaches no redirect and no redirect URI; files neither."""
    site = production.site
    for path in ("/", "/login/x", "//login/x", "/login/x/", "/static/css/base.css", "/nothing"):
        for scheme in ("https", "http"):
            refused = ask(site, path, "evil.example", scheme)
            assert refused.status_code == 400, path
            assert "evil.example" not in refused.text + str(refused.headers)
            assert_guarded(refused)
            assert refused.headers["Cache-Control"] == "no-store"
    told = ask(site, "/", "evil.example", headers={"Accept": "application/json"}).json()["error"]
    assert told["code"] == "unknown_host"
    assert told["message"].endswith(".")
    said = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    consent = ask(site, "/login/x", headers={**said, "X-Original-URL": "//evil.example/"})
    assert consent.status_code == 302
    (redirect_uri,) = parse_qs(urlsplit(consent.headers["Location"]).query)["redirect_uri"]
    assert redirect_uri.startswith(f"https://{OURS}/login/x/callback")


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", f"{OURS}.evil.example", f"evil{OURS}", f"{OURS}@evil.example", "[::2]"),
        *(f"{OURS}/.evil.example", f"{OURS}, evil.example", "evilmore.example", "10.1.2.30", "."),
        *("a..more.example", f"{'a' * 64}.more.example", ".more.example", "a.more.example."),
        *("[1:2]", "[::1", "[fe80::1%25eth0]", "::1", "tweets.example:0", "tweets.example:99999"),
        *(f"{OURS}#", f"{OURS}:port", "127.0.0.1.evil.example", "localhost.evil.example", ""),
    ],
)
def test_names_that_look_like_ours(production: World, host: str) -> None:
    """The whole name counts, and nothing that a URL could hide one in."""
    connection = http.client.HTTPConnection(urlsplit(production.site).netloc, timeout=20)
    connection.request("GET", "/", headers={"Host": host, "X-Forwarded-Proto": "https"})
    assert connection.getresponse().status == 400
    connection.close()


@pytest.mark.parametrize("host", ["evil.example", "tweets.local", "10.1.2.3", "0.0.0.0"])
def test_a_development_machine_answers_under_its_own_names(running: World, host: str) -> None:
    """Without APP_URL: a name that was pointed at this machine gets no page of ours."""
    assert ask(running.site, "/", host, "http").status_code == 400


def test_own_names_and_this_machines(production: World, running: World) -> None:
    """With any port: what APP_URL and TRUSTED_HOSTS say, and loopback for proxies and probes."""
    for host in ("Tweets.Example:8443", "www.tweets.example", "a.more.example", "10.1.2.3:80"):
        assert ask(production.site, "/", host).status_code == 200, host
    for site in (production.site, running.site):
        for host in ("localhost:1", "app.localhost:8000", "127.0.0.1", "[::1]:8000"):
            assert ask(site, "/", host).status_code == 200, host


def test_a_probe_asks_by_address_and_without_https(production: World) -> None:
    """``/healthz`` answers for itself (no worker runs here), and names no host."""
    for host in ("10.99.0.7:8000", "evil.example", ""):
        answer = ask(production.site, "/healthz", host, "http")
        assert answer.status_code == 503
        assert answer.json()["failing"] == ["worker"]
        assert_guarded(answer)


# https


def test_plain_http_is_sent_to_the_public_address(production: World) -> None:
    """With path and query, and whatever name of ours was asked for."""
    answer = ask(production.site, "/a b/%0d%0aX:1?code=a%26b&x=ä", "www.tweets.example", "http")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"https://{OURS}/a%20b/%0D%0AX%3A1?code=a%26b&x=")
    assert "Strict-Transport-Security" not in answer.headers
    elsewhere = ask(production.site, "//evil.example/%2e%2e", scheme="http")
    assert urlsplit(elsewhere.headers["Location"]).hostname == OURS
    assert_guarded(elsewhere)


def test_browsers_remember_https_for_this_name_alone(
    production: World, make_world: MakeWorld, sqlite_url: str
) -> None:
    """What else lives under the domain may have no certificate; whoever knows says so."""
    hsts = "Strict-Transport-Security"
    assert ask(production.site, "/").headers[hsts] == "max-age=31536000"
    whole = make_world(sqlite_url, **PRODUCTION, HSTS_INCLUDE_SUBDOMAINS="1").app.test_client()
    answer = whole.get("/nothing", base_url=f"https://{OURS}")
    assert answer.headers[hsts] == "max-age=31536000; includeSubDomains"


def test_production_on_this_machine_needs_no_https(make_world: MakeWorld, sqlite_url: str) -> None:
    """``APP_URL=http://127.0.0.1:8000``: pages, sign-in and cookies work, nothing redirects."""
    settings = PRODUCTION | {"APP_URL": "http://127.0.0.1:8000", "BEHIND_PROXY": "0"}
    world = make_world(sqlite_url, **settings)
    answer = requests.get(f"{world.start_web()}/", timeout=20, allow_redirects=False)
    assert answer.status_code == 200
    assert "Strict-Transport-Security" not in answer.headers
    assert "Secure" not in answer.headers["Set-Cookie"]
    assert world.log().count("WARNING app: ALLOW_PRIVATE_SERVERS is on in production") == 1


# Cookies


def test_the_cookie_is_closed_to_scripts_neighbours_and_plain_http(production: World) -> None:
    """``__Host-`` keeps other hosts of the domain from setting it."""
    cookie = ask(production.site, "/").headers["Set-Cookie"]
    name, _, rest = cookie.partition("=")
    assert name == "__Host-tweet_later"
    flags = {word.strip().lower() for word in rest.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= flags
    assert not any(flag.startswith("domain") for flag in flags)


# Caches


def test_all_answers_are_private_but_files(ana: Visitor, visitor: Visitor) -> None:
    """A page of somebody is kept by nobody, be it an error, a sign-in form or a picture's state."""
    pages = ["/", "/accounts", "/settings", "/when?when=tomorrow", "/status?job_ids=", "/silence"]
    more = ["/login/mastodon", "/login/bluesky", "/login/x/callback", "/login/nowhere", "/nothing"]
    others = ["/pictures/none", "/pictures/none/thumb", "/tweets/9999", "/healthz", "/static/none"]
    for who in (ana, visitor):
        for path in [*pages, *more, *others]:
            answer = who.get(path, allow_redirects=False)
            assert answer.headers["Cache-Control"] == "no-store", path
            assert_guarded(answer)
        refused = who.http.post(f"{who.site}/tweets", timeout=20)
        assert refused.status_code == (400 if who is ana else 401)
        assert refused.headers["Cache-Control"] == "no-store"
        wrong = who.http.put(f"{who.site}/logout", timeout=20)
        assert (wrong.status_code, "POST" in wrong.headers["Allow"]) == (405, True)
        assert_guarded(wrong)


def test_files_may_be_kept_and_carry_no_cookie(ana: Visitor) -> None:
    """A cache in between would hand the cookie on to whoever asks next."""
    for path in ("/static/css/base.css", "/vendor/jquery.min.js"):
        answer = ana.get(path)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] != "no-store"
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")
        assert_guarded(answer)
        tag = {"If-None-Match": answer.headers["ETag"]}
        assert ana.get(path, headers=tag).status_code == 304


def test_search_engines_list_the_start_page_alone(visitor: Visitor) -> None:
    """What answers somebody else's link, such as a filled-in form, is found by nobody."""
    assert "X-Robots-Tag" not in visitor.get("/").headers
    for path in ("/login/mastodon?server=evil.example", "/nothing", "/silence"):
        assert visitor.get(path).headers["X-Robots-Tag"] == "noindex"


# Signed out


def test_a_script_of_a_signed_out_page_gets_no_page(visitor: Visitor) -> None:
    """A redirect would put the sign-in page where the banner or the card was."""
    answer = visitor.get("/silence", allow_redirects=False)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "signed_out"
    for headers in ({"X-Requested-With": "XMLHttpRequest"}, {"Sec-Fetch-Mode": "cors"}):
        card = visitor.get("/tweets/1/card", allow_redirects=False, headers=headers)
        assert card.status_code == 401
    page = visitor.get("/accounts", allow_redirects=False, headers={"Sec-Fetch-Mode": "navigate"})
    assert (page.status_code, page.headers["Location"]) == (302, "/")


def test_where_the_pages_are_mounted_is_not_for_callers_to_say(running: World) -> None:
    """gunicorn takes ``SCRIPT_NAME`` from whoever asks on loopback, as a proxy beside it does."""
    connection = http.client.HTTPConnection(urlsplit(running.site).netloc, timeout=20)
    connection.request(
        "GET", "//evil.example/login/mastodon", headers={"SCRIPT_NAME": "//evil.example"}
    )
    answer = connection.getresponse()
    assert "evil.example" not in answer.read().decode() + str(answer.headers)
    connection.close()


def test_codes_are_in_no_log(running: World, visitor: Visitor) -> None:
    """Whatever comes of it: a callback's query could be used by whoever reads it."""
    for path in ("/login/x/callback", "/login/nowhere/callback", "/nothing", "/silence"):
        visitor.get(f"{path}?state=s&code=never-in-a-log")
        ask(running.site, f"{path}?code=never-in-a-log", "evil.example")
        ask(running.site, f"{path}?code=never-in-a-log", "..")
        ask(running.site, f"/silence?code=never-in-a-log%ff%00{path}")
    wait_for(lambda: "/login/nowhere/callback" in running.log(), what="the line of a request")
    assert "never-in-a-log" not in running.log()
