"""Clients that send slowly, or nothing, or nonsense, hold up nobody else."""

from __future__ import annotations

import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import psycopg
import pytest
import requests

from app.server.loop import OF_A_PERSON
from tests.conftest import MakeWorld
from tests.support.forking import ROOT
from tests.support.raw import Line, ask, crowd, head
from tests.support.visitor import Visitor
from tests.support.waiting import PROMPT, wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow

TIMEOUT = 1.0
"""BODY_TIMEOUT of these tests, in seconds; heads get no more."""
LONGER = 3.0
"""The same of pages that nobody shall be cut off from because this machine stalls."""
BOUNDARY = "multipart/form-data; boundary=x"


@pytest.fixture(scope="module")
def slow_site(running: World) -> str:
    """Pages in two processes that wait one second for a body."""
    return running.start_web(2, BODY_TIMEOUT=str(TIMEOUT))


@pytest.fixture
def line(slow_site: str) -> Iterator[Line]:
    """A connection to them."""
    opened = Line(slow_site)
    yield opened
    opened.close()


def drip(line: Line, piece: bytes, seconds: float = 10) -> float:
    """Send a byte now and then until an answer is there; return how many seconds that took."""
    line.sock.settimeout(0.2)
    begin = time.monotonic()
    while not line.kept and time.monotonic() - begin < seconds:
        line.send(piece)
        try:
            line.kept += line.sock.recv(65536)
        except TimeoutError:
            continue
    line.sock.settimeout(10)
    return time.monotonic() - begin


def seconds_of(site: str, path: str, times: int = 5) -> float:
    """Ask for a page several times; return how many seconds an answer takes as a rule."""
    took = []
    for _ in range(times):
        begin = time.monotonic()
        assert requests.get(site + path, timeout=10).status_code in {200, 503}
        took.append(time.monotonic() - begin)
    return median(took)


@contextmanager
def locked(world: World) -> Iterator[None]:
    """Let everybody wait who needs a table of pages, or on SQLite who writes."""
    url = world.environ["DATABASE_URL"]
    if url.startswith("sqlite"):
        held: Any = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
    else:
        held = psycopg.connect(url)
        held.execute("LOCK TABLE users, accounts, tweets IN ACCESS EXCLUSIVE MODE")
    try:
        yield
    finally:
        held.rollback()
        held.close()


FRAME = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a.jpg"\r\n\r\n'


def signed_in(site: str, name: str) -> dict[str, str]:
    """Sign somebody in; return the headers of their requests that change something."""
    visitor = Visitor(site)
    visitor.sign_in(name)
    token = visitor.token()
    cookies = "; ".join(f"{one.name}={one.value}" for one in visitor.http.cookies)
    visitor.http.close()
    return {"Cookie": cookies, "X_CSRFToken": token, "Accept": "application/json"}


def large_form(headers: dict[str, str]) -> bytes:
    """Return the beginning of a form of 16 MB."""
    own = {"Content_Type": BOUNDARY, "Content_Length": "16000000"}
    return head("/pictures", "POST", **own, **headers) + FRAME


CROWDS = {
    "bodies": [head("/tweets", "POST", Content_Length="1000") + b"{"] * 200,
    "chunks": [head("/tweets", "POST", Transfer_Encoding="chunked") + b"3e8\r\n{"] * 200,
    "heads": [b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] * 200,
    "mute": [b""] * 500,
    "left open": [head("/nothing", Connection="close")] * 50,
    "never reading": [head("/static/js/composer/composer.js") * 100] * 100,
}


@pytest.mark.parametrize("kind", CROWDS)
def test_pages_answer_beside_a_crowd(running: World, slow_site: str, kind: str) -> None:
    """However many wait for nothing: pages and /healthz answer as before."""
    with crowd(slow_site, CROWDS[kind]):
        assert seconds_of(slow_site, "/") < PROMPT
        assert seconds_of(slow_site, "/healthz") < PROMPT


def test_all_crowds_at_once_are_let_go(slow_site: str) -> None:
    """All of them together hold up nobody, and each is closed a little after its time."""
    everybody = [one for name in ("bodies", "heads", "mute") for one in CROWDS[name]]
    with crowd(slow_site, everybody) as lines:
        assert seconds_of(slow_site, "/") < PROMPT
        assert seconds_of(slow_site, "/healthz") < PROMPT
        begin = time.monotonic()
        statuses = [line.answer()[0] for line in lines]
        assert time.monotonic() - begin < TIMEOUT + PROMPT
    assert statuses == [408] * 400 + [0] * 500


@pytest.mark.parametrize(
    ("headers", "beginning", "piece"),
    [
        ({"Content_Length": "1000"}, b"{", b"x"),
        ({"Transfer_Encoding": "chunked"}, b"3e8\r\n{", b"x"),
        ({"Transfer_Encoding": "chunked"}, b"", b"1\r\nx\r\n"),
        ({"Transfer_Encoding": "chunked"}, b"", b"0"),
        ({"Content_Length": "1000", "Expect": "100-continue"}, b"", b"x"),
    ],
)
def test_a_dripping_body_is_cut(
    line: Line, headers: dict[str, str], beginning: bytes, piece: bytes
) -> None:
    """The time is that of the whole body; the refusal is ours, and the connection ends."""
    line.send(head("/tweets", "POST", Accept="application/json", **headers) + beginning)
    if "Expect" in headers:
        assert line.answer()[0] == 100
    assert TIMEOUT - 0.1 < drip(line, piece) < TIMEOUT + PROMPT
    status, answered, body = line.answer()
    assert (status, answered["connection"]) == (408, "close")
    assert b'"code":"http_408"' in body
    assert b"too long to arrive" in body
    assert line.ends()


def test_a_slow_form_gets_a_page(line: Line) -> None:
    """People read a sentence."""
    kind = "application/x-www-form-urlencoded"
    line.send(head("/tweets", "POST", Content_Length="9", Content_Type=kind, Accept="text/html"))
    status, headers, body = line.answer()
    assert (status, headers["content-type"]) == (408, "text/html; charset=utf-8")
    assert b"Your request took too long to arrive. Nothing was stored." in body


def test_a_dripping_head_is_cut(line: Line) -> None:
    """A head has its time as a whole, too; also on a connection that was used before."""
    assert line.send(head("/healthz")).answer()[0] in {200, 503}
    line.send(b"GET / HTTP/1.1\r\nX-Slow: ")
    assert TIMEOUT - 0.1 < drip(line, b"x") < TIMEOUT + PROMPT
    assert line.answer()[0] == 408
    assert line.ends()


@pytest.mark.parametrize("length", ["262145", "1000000000", "9" * 30, "9" * 4000])
def test_a_body_that_says_it_is_too_large(line: Line, length: str) -> None:
    """It is refused by what it says, before a byte of it is read, and without 100 Continue."""
    headers = {"Content_Length": length, "Expect": "100-continue"}
    begin = time.monotonic()
    line.send(head("/tweets", "POST", Accept="application/json", **headers))
    status, answered, body = line.answer()
    assert (status, answered["connection"]) == (413, "close")
    assert b"too large" in body
    assert time.monotonic() - begin < PROMPT


@pytest.mark.parametrize("path", ["/tweets", "/pictures", "/tweets/7/edit", "/nothing"])
@pytest.mark.parametrize("cookie", ["", "session=forged", "tweet_later=forged"])
def test_nobody_sends_much_without_being_signed_in(line: Line, path: str, cookie: str) -> None:
    """Eighty megabytes are for people, whatever a cookie says of itself."""
    headers = {"Content_Type": BOUNDARY, "Accept": "application/json"}
    headers |= {"Cookie": cookie} if cookie else {}
    line.send(head(path, "POST", Content_Length="80000000", **headers))
    status, answered, _ = line.answer()
    assert status in {401, 413}
    assert answered["connection"] == "close"


def test_who_still_sends_gets_the_answer(line: Line) -> None:
    """What comes behind a refusal is thrown away: no reset, and no second request."""
    hidden = head("/logout", "POST")
    line.send(head("/tweets", "POST", Content_Length="5000000"))
    for _ in range(50):
        line.send((hidden * 2000)[:100_000])
    assert line.answer()[0] == 413
    assert line.ends()


def test_many_tiny_chunks(line: Line) -> None:
    """A body in pieces of one byte is refused long before its content is too large."""
    line.send(head("/tweets", "POST", Transfer_Encoding="chunked"))
    line.send(b"1\r\nx\r\n" * 20_000)
    assert line.answer()[0] == 413
    assert line.ends()


def test_chunks_that_become_too_many(line: Line) -> None:
    """A body that does not say its length has the same limit."""
    line.send(head("/tweets", "POST", Transfer_Encoding="chunked"))
    line.sock.settimeout(0.05)
    for _ in range(10):
        line.send(b"10000\r\n" + bytes(65536) + b"\r\n")
    line.sock.settimeout(10)
    assert line.answer()[0] == 413
    assert line.ends()


NONSENSE = {
    "negative length": head("/", "POST", Content_Length="-1"),
    "no number": head("/", "POST", Content_Length="1e3"),
    "signed": head("/", "POST", Content_Length="+3"),
    "foreign digits": head("/", "POST", Content_Length="\u00b2"),
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "the same twice": b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list": head("/", "POST", Content_Length="3, 3") + b"abc",
    "both": head("/", "POST", Content_Length="3", Transfer_Encoding="chunked") + b"0\r\n\r\n",
    "chunked and more": head("/", "POST", Transfer_Encoding="chunked, gzip"),
    "twice chunked": head("/", "POST", Transfer_Encoding="chunked, chunked"),
    "unknown coding": head("/", "POST", Transfer_Encoding="xchunked"),
    "not chunked": head("/", "POST", Transfer_Encoding="gzip"),
    "chunked in 1.0": head("/", "POST", version="1.0", Transfer_Encoding="chunked"),
    "space before colon": b"POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": head("/", "POST", Transfer_Encoding="chunked") + b"zz\r\n",
    "negative chunk": head("/", "POST", Transfer_Encoding="chunked") + b"-1\r\n",
    "chunk too short": head("/", "POST", Transfer_Encoding="chunked") + b"1\r\nabc\r\n",
    "endless size": head("/", "POST", Transfer_Encoding="chunked") + b"0" * 20_000,
    "endless trailers": head("/", "POST", Transfer_Encoding="chunked")
    + b"0\r\n"
    + b"A: b\r\n" * 500,
    "bare line feeds": b"GET / HTTP/1.1\nHost: a\n\n",
    "folded": b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "NUL": b"GET / HTTP/1.1\r\nX-A: a\0b\r\n\r\n",
    "long line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    "long line without end": b"GET /" + b"a" * 200_000,
    "long field": head("/", X_Long="a" * 20_000),
    "many fields": b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 2_000 + b"\r\n",
    "fields without end": b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 30_000,
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9.9": b"GET / HTTP/9.9\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "unknown expectation": head("/", "POST", Content_Length="3", Expect="miracles"),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_refused_at_once(line: Line, kind: str) -> None:
    """An answer in the 400s, and the end: what comes behind it is no request."""
    try:
        line.send(NONSENSE[kind])
    except (BrokenPipeError, ConnectionResetError):
        pytest.fail("no answer, but a reset")
    status, _, _ = line.answer()
    assert 400 <= status < 500
    assert line.ends()


def test_headers_that_say_where_the_app_is(line: Line) -> None:
    """Nobody says by a header where the app is mounted, or which path was meant."""
    line.send(
        b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /x\r\nPATH_INFO: /\r\n\r\n"
    )
    assert line.answer()[0] == 404


def test_requests_behind_each_other(line: Line) -> None:
    """Several requests in one piece are answered in their order, bodies and all."""
    body = b'{"text": "x"}'
    post = head("/tweets", "POST", Accept="application/json", Content_Length=str(len(body)))
    chunk = head("/tweets", "POST", Accept="application/json", Transfer_Encoding="chunked")
    line.send(head("/nothing") + post + body + head("/") + post + body)
    line.send(chunk + b"3\r\nabc\r\n0\r\n\r\n" + head("/"))
    assert [line.answer()[0] for _ in range(5)] == [404, 401, 200, 401, 401]
    assert line.ends()  # after chunks: nobody may disagree about where they end


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_request_in_pieces(line: Line, pieces: int) -> None:
    """A request that comes byte by byte, but in time, is answered as any other."""
    request = head("/tweets", "POST", Content_Length="5") + b"a=b&c" + head("/nothing")
    for start in range(0, len(request), pieces):
        line.send(request[start : start + pieces])
    assert [line.answer()[0], line.answer()[0]] == [401, 404]


def test_the_end_of_http_1_0(slow_site: str) -> None:
    """An old client gets its answer and the end; without a length it sends no body."""
    for request in (head("/", version="1.0"), head("/tweets", "POST", version="1.0")):
        with crowd(slow_site, [request]) as lines:
            status, headers, _ = lines[0].answer()
            assert status in {200, 401}
            assert headers["connection"] == "close"
            assert lines[0].ends()


def test_more_than_it_says(line: Line) -> None:
    """What comes behind a body is the next request, and nonsense there is refused."""
    line.send(head("/tweets", "POST", Content_Length="3") + b"abcdefg\r\n\r\n")
    assert [line.answer()[0], line.answer()[0]] == [401, 400]
    assert line.ends()


def test_hanging_up_leaves_nothing_behind(slow_site: str) -> None:
    """Hundreds of clients go away half-way, and pages answer as before."""
    beginnings = [
        head("/tweets", "POST", Content_Length="1000") + b"half",
        b"GET / HT",
        head("/"),
        head("/tweets", "POST", Content_Length="9000000"),
    ]
    for _ in range(10):
        with crowd(slow_site, beginnings * 10):
            pass
    assert seconds_of(slow_site, "/") < PROMPT


def test_a_picture_takes_its_time(running: World) -> None:
    """A large body of somebody who is signed in may take longer, as long as much of it comes."""
    site = running.start_web(BODY_TIMEOUT=str(LONGER))
    beginning, line = large_form(signed_in(site, "ana")), Line(site)
    end = b"\r\n--x--\r\n"
    line.send(beginning)
    missing = 16_000_000 - len(FRAME) - len(end)
    while missing:
        piece = bytes(min(missing, 2_000_000))
        line.send(piece)
        missing -= len(piece)
        time.sleep(LONGER / 6)  # of eight pieces: longer than LONGER in all
    status, _, body = line.send(end).answer()
    assert status == 422, body
    assert b"picture_unreadable" in body or b"error" in body
    line.send(beginning)
    assert drip(line, b"x") < LONGER + PROMPT
    assert line.answer()[0] == 408
    line.close()


def test_one_person_does_not_take_all_places_for_pictures(slow_site: str) -> None:
    """Whoever begins many large forms waits for places of their own; others find theirs."""
    beginnings = [large_form(signed_in(slow_site, name)) for name in ("ana", "ben")]
    with crowd(slow_site, beginnings[:1] * 20) as many:
        with crowd(slow_site, beginnings[1:]) as others:
            begin = time.monotonic()
            assert others[0].answer()[0] == 408  # as it had a place, and then was too slow
            assert time.monotonic() - begin < TIMEOUT + PROMPT
        statuses = Counter(line.answer()[0] for line in many)
    assert set(statuses) == {408, 429}
    assert statuses[408] >= OF_A_PERSON


def test_more_connections_than_there_may_be(make_world: MakeWorld, sqlite_url: str) -> None:
    """Who waits longest for nothing gives way: a new request is answered at once."""
    world = make_world(sqlite_url)
    site = world.start_web(GUNICORN_CMD_ARGS="--worker-connections 40")
    with crowd(site, [b""] * 300 + CROWDS["heads"] + CROWDS["bodies"]):
        assert seconds_of(site, "/") < PROMPT
        assert seconds_of(site, "/healthz") < PROMPT
    with crowd(site, [head("/nothing")] * 100) as lines:
        assert seconds_of(site, "/") < PROMPT
        assert lines[-1].answer()[0] == 404


def test_memory_stays_bounded(make_world: MakeWorld, sqlite_url: str) -> None:
    """Hundreds of half-sent bodies, heads and answers that nobody takes are kept small."""
    world = make_world(sqlite_url)
    site = world.start_web()
    seconds_of(site, "/")
    web = psutil.Process(world.processes[-1].pid)
    before = sum(child.memory_info().rss for child in web.children())
    body = head("/tweets", "POST", Content_Length="250000") + bytes(200_000)
    fields = b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 2_000
    unread = head("/static/js/composer/composer.js") * 50
    with crowd(site, [body] * 200 + [fields] * 200 + [unread] * 200):
        assert seconds_of(site, "/") < PROMPT
        after = sum(child.memory_info().rss for child in web.children())
    assert after - before < 80_000_000


def test_a_locked_database_hangs_pages_alone(make_world: MakeWorld, database_url: str) -> None:
    """While all pages wait for the database, /healthz says what is wrong."""
    world = make_world(database_url)
    site = world.start_web()
    world.user("ana")
    ana = signed_in(site, "ana")
    body = b'{"text": "hello"}'
    kind = {"Content_Type": "application/json", "Content_Length": str(len(body))}
    writing = head("/tweets", "POST", **kind, **ana) + body
    asking = head("/", Cookie=ana["Cookie"])
    with locked(world), crowd(site, [writing, asking] * 10):
        begin = time.monotonic()
        answer = requests.get(f"{site}/healthz", timeout=10)
        assert time.monotonic() - begin < PROMPT
        assert answer.status_code in {200, 503}
        assert ask(site, head("/x", "POST", Content_Length="9" * 9))[0] == 413


def test_stopping_waits_for_nobody_mute(make_world: MakeWorld, sqlite_url: str) -> None:
    """A process that is told to stop answers what it has, and leaves within seconds."""
    world = make_world(sqlite_url, GUNICORN_CMD_ARGS="--graceful-timeout 120")
    site = world.start_web(2)
    waiting = [*CROWDS["bodies"][:20], *CROWDS["heads"][:20], *CROWDS["mute"][:20]]
    with crowd(site, waiting):
        world.kill(world.processes[-1], 15)  # waits for half a minute, not for two


def test_stopping_while_starting(make_world: MakeWorld, sqlite_url: str, tmp_path: Path) -> None:
    """A signal that comes before a process can take one is not forgotten."""
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import time\n"
        f"exec(open({str(ROOT / 'gunicorn.conf.py')!r}).read())\n"
        "def post_fork(server, worker):\n"
        f"    open({str(tmp_path / 'begun')!r}, 'w').close()\n"
        "    time.sleep(2)\n"
    )
    world = make_world(sqlite_url, GUNICORN_CMD_ARGS=f"--config {slow} --graceful-timeout 600")
    world.start_web(2)
    wait_for((tmp_path / "begun").exists)
    world.kill(world.processes[-1], signal.SIGTERM)


def test_what_is_logged(running: World, slow_site: str, line: Line) -> None:
    """A line a request, without anything that was sent."""
    line.send(head("/login/x/callback?code=secret-code&state=a", X_A="secret-header"))
    assert line.answer()[0] in {302, 303, 400, 403}
    broken = b"GET /secret-path?code=secret-code HTTP/1.1\r\nbad header\r\n\r\n"
    assert ask(slow_site, broken)[0] == 400
    wait_for(lambda: "could not be read (InvalidHeader)" in running.log())
    assert re.search(r"GET /login/x/callback \d+ \d+ bytes \d+ ms", running.log())
    assert "secret" not in running.log()
