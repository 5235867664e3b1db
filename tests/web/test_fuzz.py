"""Whatever anybody sends, the answer is a clear one: never a 5xx, never a traceback.

A small number of the same requests each time; FUZZ_EXAMPLES=5000 looks further.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.routing import Rule

from app.models import Account
from tests.conftest import MakeWorld
from tests.support.visitor import Visitor
from tests.support.world import World

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "500"))
"""On each database; each is sent twice, signed in and signed out."""
UNHINDERED = {f"RATE_LIMIT_{kind}": "1000000 per minute" for kind in ("WRITES", "READS", "SIGN_IN")}
NOT_SIGNED_IN = {"auth.logout", "accounts.disconnect"}
"""They would end what the others are tried with; so would whatever ends sessions."""
SILENT = {502, 503}
"""What may be said where another server was asked."""

ODD_WORDS = [
    *("", " ", "0", "-1", "7", "now", "in one hour", "null", "true", "1e400", "NaN", "Infinity"),
    *("\0", "a\0b", "\ud800", "\udfff\ud800", "\ufeff", "\u202e", "\u000b", "\r\n", "%00", "../.."),
    *("9" * 5000, "-" + "9" * 5000, "a" * 300, "\ufdfa" * 300, "🇩🇪" * 300, "e" + "\u0301" * 300),
    *("2026-02-30", "0001-01-01T00:00", "9999-12-31T23:59:59Z", "Europe/Berlin", "'; DROP TABLE"),
    *("00000000-0000-4000-8000-000000000000", "<script>", "{{7*7}}", "xn--", "日本。jp"),
]
ODD_NUMBERS = [0, -1, 1, 7, 2**31 - 1, 2**31, 2**63 - 1, 2**63, -(2**63), 10**300, 23.9, 1e308, 1.0]
ODD_IDS = ["0", "1", "999999", str(2**31 - 1), str(2**31), str(2**63), "9" * 5000, "-1", "1.5", "x"]
NAMES = [
    *("text", "when", "accounts", "parts", "pictures", "variants", "submit_id", "timezone"),
    *("job_id", "check", "mode", "alt", "signs_in", "whem", "at", "before", "job_ids", "server"),
    *("tab", "q", "account", "action", "tweet_ids", "confirmed"),
    *("identifier", "password", "locale", "late_tolerance_hours", "part", "again", "now"),
    *("variant-1", "variant-x", f"variant-{'9' * 5000}", "pictures-1", "pictures-99", "alt-x"),
    *(
        "new-alt",
        "new-alt-1",
        "drop-picture",
        "refuse",
        "shown",
        "up_to",
        "code",
        "state",
        "\0",
        "\ud800",
        "ümläut",
    ),
]
TYPES = [
    *("application/json", "application/json; charset=utf-16", "text/plain", "", "a/b/c"),
    *("application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary="),
    *("multipart/form-data; boundary=x", "application/vnd.api+json", "application/xml"),
]

words = st.sampled_from(ODD_WORDS) | st.text(max_size=20)
numbers = st.sampled_from(ODD_NUMBERS) | st.integers() | st.floats()
values = st.recursive(
    words | numbers | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(NAMES) | words, inner, max_size=5)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(NAMES), values, max_size=5)
"""What a program might send by mistake."""
tweets = st.builds(lambda wrong: {"text": "Later", "when": "in 5 hours", **wrong}, objects)
"""Nearly right."""
forms = st.dictionaries(st.sampled_from(NAMES), words, max_size=6)
bodies = (
    st.tuples(st.just("json"), objects | tweets | values)
    | st.tuples(st.just("form"), forms)
    | st.tuples(st.just("files"), st.tuples(forms, st.sampled_from(NAMES), words))
    | st.tuples(st.just("raw"), st.tuples(st.sampled_from(TYPES), st.binary(max_size=60)))
)


class Site:
    """An installation without a worker, and somebody who is signed in there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.address = world.start_web()
        self.ana = Visitor(self.address)
        self.ana.sign_in("ana")
        made = self.ana.post("/tweets", text="Mine", when="in 20 hours").json()
        self.own = {"tweet_id": str(made["tweet"]["id"]), "job_id": made["job_id"]}
        with world.rows():
            self.account_id = Account.query.filter_by(handle="ana").one().id
        self.token = self.ana.token()
        self.nobody = requests.Session()
        rules = list(world.app.url_map.iter_rules())
        self.calls = sorted(
            ((rule, method) for rule in rules for method in rule.methods or () if method != "HEAD"),
            key=str,
        )
        self.sent = 0

    def send(
        self, session: requests.Session, method: str, path: str, **sent: Any
    ) -> requests.Response:
        """Send it as it is; whatever happens to it is an answer."""
        headers = {
            "X-CSRFToken": self.token,
            "Accept": "application/json",
            **sent.pop("headers", {}),
        }
        self.sent += 1
        return session.request(
            method,
            f"{self.address}{path}",
            headers=headers,
            timeout=30,
            allow_redirects=False,
            **sent,
        )

    def check(self, answer: requests.Response) -> None:
        """A clear answer, in whatever form."""
        path = answer.request.path_url
        if path.startswith("/healthz"):  # no worker is alive, which it says
            return
        asks = path.startswith("/login/") and answer.status_code in SILENT
        assert answer.status_code < 500 or asks, (answer.status_code, path, answer.request.body)


@pytest.fixture
def site(make_world: MakeWorld, database_url: str) -> Site:
    """Pages on each database."""
    return Site(make_world(database_url, **UNHINDERED))


@pytest.fixture
def postgres_site(make_world: MakeWorld, postgres_url: str) -> Site:
    """Pages on the database that refuses more."""
    return Site(make_world(postgres_url, **UNHINDERED))


def path_of(site: Site, rule: Rule, odd: str) -> str:
    """Return an address for a route: its own tweet, or something that is not there."""
    path = rule.rule
    for name, converter in rule._converters.items():
        is_number = type(converter).__name__ == "IntegerConverter"
        value = site.own.get(name, "x") if odd == "" else odd
        if is_number and not value.isdigit():
            value = "1"
        for written in (f"<int:{name}>", f"<path:{name}>", f"<{name}>"):
            path = path.replace(written, quote(value.encode("utf-8", "replace"), safe=""))
    return path


def as_request(kind: str, content: Any) -> dict[str, Any]:
    """Return what requests needs to send a body."""
    if kind == "json":
        return {
            "data": json.dumps(content).encode(),
            "headers": {"Content-Type": "application/json"},
        }
    if kind == "raw":
        return {"data": content[1], "headers": {"Content-Type": content[0]}}
    fields, name, file_name = (content, "", "") if kind == "form" else content
    plain = {encoded(key): encoded(value) for key, value in fields.items()}
    if kind == "form":
        return {"data": plain}
    shown = encoded(name).decode().replace("\0", "")
    return {"data": plain, "files": {shown: (encoded(file_name).decode(), b"GIF89a")}}


def encoded(word: str) -> bytes:
    """Return bytes that a browser would not send."""
    return word.encode("utf-8", "replace")


def test_two_thousand_odd_requests(site: Site) -> None:
    """Every route and method with odd paths, queries, headers and bodies, signed in and out."""
    fuzz = given(
        st.integers(0, len(site.calls) - 1),
        st.sampled_from(["", "", *ODD_IDS, *ODD_WORDS]),
        st.dictionaries(st.sampled_from(NAMES), words, max_size=2),
        bodies,
        st.sampled_from([None, None, "\u00ff", "key", "k" * 300, "a\tb"]),
    )
    limits = settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    @limits
    @fuzz
    def send(
        number: int, odd: str, query: dict[str, str], body: tuple[str, Any], key: str | None
    ) -> None:
        rule, method = site.calls[number]
        path = path_of(site, rule, odd)
        sent = as_request(*body) | {"params": {encoded(n): encoded(v) for n, v in query.items()}}
        if key:
            sent["headers"] = {**sent.get("headers", {}), "Idempotency-Key": key.encode("latin-1")}
        sessions = [site.nobody]
        if rule.endpoint not in NOT_SIGNED_IN and "sessions" not in rule.rule:
            sessions.append(site.ana.http)
        for session in sessions:
            site.check(site.send(session, method, path, **dict(sent)))

    send()
    assert site.sent >= EXAMPLES
    assert "Traceback" not in site.world.log()
    assert site.ana.get(f"/tweets/{site.own['tweet_id']}").status_code == 200


DEEP = 100_000
HUGE = "9" * 5000
LETTERS = {"Content-Type": "application/json"}


def deep(opening: str, closing: str, inside: str = "1") -> bytes:
    """Return JSON that is nested very deeply."""
    return (opening * DEEP + inside + closing * DEEP).encode()


JSON_BODIES: dict[str, tuple[bytes, set[int]]] = {
    "a key of 5,000 digits": (json.dumps({"text": "a", "variants": {HUGE: "b"}}).encode(), {422}),
    "an infinite account": (b'{"text": "a", "accounts": [Infinity]}', {400}),
    "an account beyond all numbers": (b'{"text": "a", "accounts": [1e999]}', {422}),
    "no number": (b'{"text": "a", "accounts": [NaN]}', {400}),
    "5,000 digits": (b'{"text": "a", "accounts": [%s]}' % HUGE.encode(), {400, 422}),
    "deep lists": (deep("[", "]"), {400, 413}),
    "deep objects": (deep('{"a":', "}")[: 255 * 1024], {400}),
    "a deep variant": (b'{"variants": %s}' % deep("[", "]"), {400, 413}),
    "a NUL": (json.dumps({"text": "a", "submit_id": "a\0"}).encode(), {422}),
    "a NUL in a text": (json.dumps({"text": "a\0"}).encode(), {422}),
    "half a pair": (rb'{"text": "\ud800"}', {422}),
    "half a pair as a key": (rb'{"text": "a", "submit_id": "\ud800"}', {422}),
    "half a pair as a name": (rb'{"\ud800": 1}', {422}),
    "half a pair as a zone": (rb'{"text": "a", "timezone": "\ud800"}', {422}),
    "half a pair as a time": (rb'{"text": "a", "when": "\ud800"}', {422}),
    "a NUL in a picture": (json.dumps({"text": "a", "pictures": ["a\0"]}).encode(), {422}),
    "half a pair as a picture": (rb'{"text": "a", "pictures": ["\ud800"]}', {422}),
    "the same name twice": (b'{"text": "a", "when": "in 2 hours", "when": ""}', {422}),
    "no UTF-8": (b'{"text": "\xff"}', {400}),
    "UTF-16": ('{"text": ""}'.encode("utf-16"), {422}),
    "cut off": (b'{"text": "a"', {400}),
    "nothing": (b"", {422}),
    "many variants": (
        json.dumps({"text": "a", "variants": {str(n): "b" for n in range(1, 9999)}}).encode(),
        {422},
    ),
    "many accounts": (json.dumps({"text": "a", "accounts": [1] * 9999}).encode(), {422}),
    "many parts": (json.dumps({"parts": [{"text": "a"}] * 9999}).encode(), {422}),
}


def _form(**fields: str) -> Callable[[Site], requests.Response]:
    return lambda site: site.send(site.ana.http, "POST", "/tweets", data=fields)


def _raw(content_type: str, data: bytes, path: str = "/tweets") -> Any:
    return lambda site: site.send(
        site.ana.http,
        "POST",
        path,
        data=data,
        headers={"Content-Type": content_type, "Connection": "close"},
    )


def _get(path: str) -> Callable[[Site], requests.Response]:
    return lambda site: site.send(site.ana.http, "GET", path)


ODD_HEADERS = {
    "Cookie": "tweet_later=\u00ff; session=.eJx; =; ;;; a=" + "b" * 3000,
    "Accept-Language": "es;q=nan, en;q=1e999, \u00ff, x-" + "y" * 3000 + ";q=-1",
    "Accept": "application/json;q=nan, */*;q=inf, a/b/c, ;",
    "User-Agent": "\u00ff" * 4000,
    "If-None-Match": '"' + "\u00ff" * 2000,
    "If-Modified-Since": "Mon, 99 Foo 99999999999 99:99:99 GMT",
    "Range": "bytes=-99999999999999999999,5-1,a-b",
    "If-Range": "\u00ff",
    "Referer": "http://[::1",
    "Origin": "\u00ff",
    "X-Forwarded-For": "\u00ff, 999.1.1.1",
    "X-Forwarded-Proto": "\u00ff",
    "Content-Type": 'multipart/form-data; boundary="\u00ff',
    "Authorization": "Basic \u00ff",
}
MANY = b"".join(
    b'--x\r\nContent-Disposition: form-data; name="f%d"; filename="a"\r\n\r\n\r\n' % n
    for n in range(10_000)
)
OTHER_REQUESTS: dict[str, tuple[Callable[[Site], requests.Response], set[int]]] = {
    "before a number below all": (_get(f"/?before=-{'9' * 3000}"), {422}),
    "before -9": (_get("/?before=-999999999"), {200}),
    "before 1e9": (_get("/?before=1e9"), {422}),
    "before 2**63": (_get(f"/?before={2**63}"), {200}),
    "a job that cannot be": (_get("/status/%00"), {404}),
    "jobs that cannot be": (_get("/status?job_ids=%00,%FF,a"), {200}),
    "an id beyond all": (_get(f"/tweets/{2**63}"), {404}),
    "a huge id": (_get(f"/tweets/{'9' * 3900}"), {404}),
    "an account beyond all": (_get(f"/accounts/{2**63}/disconnect"), {404}),
    "a picture that cannot be": (_get("/pictures/%00%FF"), {404}),
    "a file with NUL": (_get("/static/%00"), {404}),
    "10,000 fields": (
        lambda site: site.send(
            site.ana.http, "POST", "/tweets", data={f"f{n}": "a" for n in range(10_000)}
        ),
        {422},
    ),
    "10,000 files": (_raw("multipart/form-data; boundary=x", MANY + b"--x--\r\n"), {413, 422}),
    "a broken boundary": (_raw("multipart/form-data; boundary=y", b"--x\r\n\r\n"), {400}),
    "no boundary": (_raw("multipart/form-data", b"--x\r\n\r\n"), {400}),
    "plain words": (_raw("text/plain", b"text=a"), {415}),
    "a form in Latin 1": (_raw("application/x-www-form-urlencoded", b"text=\xff"), {400}),
    "a field of 5,000 digits": (_form(text="a", **{f"variant-{HUGE}": "b"}), {422}),
    "an account of 5,000 digits": (_form(text="a", accounts=HUGE), {422}),
    "an unknown field": (_form(text="a", whem="in 2 hours"), {422}),
    "a NUL in the form": (_form(text="a\0"), {422}),
    "a NUL in a picture of the form": (_form(text="a", pictures="a\0"), {422}),
    "a NUL in a later picture": (_form(text="a", part="b", **{"pictures-1": "\0"}), {422}),
    "a NUL in a picture of a change": (
        lambda site: site.send(
            site.ana.http, "PATCH", f"/tweets/{site.own['tweet_id']}", data={"pictures": "\0"}
        ),
        {422},
    ),
    "a list for a switch": (
        lambda site: site.send(
            site.ana.http, "POST", f"/accounts/{site.account_id}/door", json={"signs_in": []}
        ),
        {422},
    ),
    "a NUL in its key": (_form(text="a", submit_id="a\0"), {422}),
}


def test_requests_that_once_broke_something(postgres_site: Site) -> None:
    """Unreadable is a 400, misunderstood a 422 with its field, and nothing is stored."""
    site = postgres_site
    before = site.ana.get("/").text.count("<article")
    for what, (body, statuses) in JSON_BODIES.items():
        answer = site.send(site.ana.http, "POST", "/tweets", data=body, headers=LETTERS)
        assert answer.status_code in statuses, (what, answer.status_code, answer.text[:300])
        assert answer.json()["error"]["message"], what
    for what, (ask, statuses) in OTHER_REQUESTS.items():
        answer = ask(site)
        assert answer.status_code in statuses, (what, answer.status_code, answer.text[:300])
    for name, value in ODD_HEADERS.items():
        for path in (
            "/",
            "/settings",
            "/when?when=now",
            "/static/js/shared/page.js",
            "/status/%ED%A0%80",
        ):
            sent = {"headers": {name: value.encode("latin-1")}}
            ana = requests.Session()  # an odd cookie signs out, and that is right
            ana.cookies.update(site.ana.http.cookies)
            assert site.send(ana, "GET", path, **dict(sent)).status_code < 500, (name, path)
            assert site.send(site.nobody, "POST", path, **sent).status_code < 500, (name, path)
    site.send(site.nobody, "GET", "/nowhere%0a%0d2026-01-01 forged%00%1b[31m%c2%9b")
    assert site.ana.get("/").text.count("<article") == before
    log = site.world.log()
    assert "Traceback" not in log
    assert "GET /nowhere%0A%0D2026-01-01%20forged%00%1B%5B31m%C2%9B 404" in log
