"""The program itself: starting, stopping, many callers, one connection."""

import concurrent.futures
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
import requests
from requests_oauthlib import OAuth1

ROOT = Path(__file__).resolve().parents[2]


def test_everything_is_there_after_a_restart(tmp_path, start_sandbox):
    """A clean stop exits with 0, and tokens, people, Tweets and duplicates survive it."""
    data = str(tmp_path / "folder" / "sandbox.sqlite3")
    first = start_sandbox(data)
    dora = first.mint("dora")
    signed = first.mint("dora", kind="oauth1")
    signature = OAuth1(
        signed["consumer_key"],
        signed["consumer_secret"],
        signed["oauth_token"],
        signed["oauth_token_secret"],
    )
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda n: first.create(dora, f"Keep {n}"), range(50)))
    spent = first.mint("dora")
    assert first.refresh(spent).status_code == 200
    before = first.state()
    assert first.stop() == 0
    second = start_sandbox(data)
    try:
        after = second.state()
        assert after["tweets"] == before["tweets"]
        assert after["people"] == before["people"]
        assert after["accepted_count"] == 50
        assert second.create(dora, "Keep 1").status_code == 403
        assert second.refresh(spent).status_code == 400
        assert second.refresh(dora).status_code == 200
        assert requests.get(f"{second.url}/2/users/me", auth=signature, timeout=10).ok
    finally:
        second.stop()


def test_killed_program_keeps_what_it_had_written(tmp_path, start_sandbox):
    """What was accepted reaches the disk within moments, where SIGKILL cannot take it back."""
    data = str(tmp_path / "sandbox.sqlite3")
    first = start_sandbox(data)
    tweet = first.create(first.mint("ana"), "Written").json()["data"]
    deadline = time.monotonic() + 5
    while tweet["id"] not in _keys_in(data):
        assert time.monotonic() < deadline
    first.process.kill()
    first.process.wait(10)
    first.process.stdout.close()
    first.http.close()
    second = start_sandbox(data)
    try:
        assert [t["id"] for t in second.state()["tweets"]] == [tweet["id"]]
    finally:
        second.stop()


def _keys_in(data):
    with closing(sqlite3.connect(data)) as database:
        return [key for (key,) in database.execute("SELECT key FROM record")]


def test_a_hundred_callers(sandbox):
    """A hundred callers at once are all answered, and every Tweet is there once."""
    sandbox.control("settings", limits={"create": 10_000})
    tokens = [sandbox.mint(handle) for handle in ("ana", "ben", "chidi")]
    barrier = threading.Barrier(100)

    def post(number):
        barrier.wait(10)
        with requests.Session() as http:
            return [
                http.post(
                    f"{sandbox.url}/2/tweets",
                    json={"text": f"{number} {turn}"},
                    headers=tokens[number % 3]["auth"],
                    timeout=30,
                ).status_code
                for turn in range(3)
            ]

    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = [status for statuses in pool.map(post, range(100)) for status in statuses]
    facts = sandbox.state()
    assert answers == [201] * 300
    assert len({tweet["id"] for tweet in facts["tweets"]}) == 300
    assert (facts["create_calls"], facts["duplicates"]) == (300, [])


def test_connection_is_kept(sandbox, ana):
    """Several requests pass over one connection, bodies and refusals among them."""
    address = sandbox.url.removeprefix("http://").split(":")
    request = (
        "POST /2/tweets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: {ana['auth']['Authorization']}\r\nContent-Length: 5\r\n\r\nwrong"
    ).encode()
    with socket.create_connection((address[0], int(address[1])), timeout=5) as line:
        line.sendall(request + request)
        received = b""
        while received.count(b"HTTP/1.1 400") < 2:
            chunk = line.recv(65_536)
            assert chunk, received
            received += chunk


def test_half_a_request_is_none(sandbox, ana):
    """A caller that leaves in the middle of the body has asked for nothing."""
    address = sandbox.url.removeprefix("http://").split(":")
    request = (
        "POST /2/tweets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: {ana['auth']['Authorization']}\r\nContent-Length: 500\r\n\r\n{{"
    ).encode()
    with socket.create_connection((address[0], int(address[1])), timeout=5) as line:
        line.sendall(request)
        line.shutdown(socket.SHUT_WR)
        assert line.recv(65_536) == b""
    assert sandbox.state()["create_calls"] == 0


def test_too_large_a_body(sandbox, ana):
    """A body of more than 20 megabytes is refused, and others are served on."""
    with requests.Session() as http:
        headers = ana["auth"] | {"Content-Length": "30000000"}
        answer = http.post(f"{sandbox.url}/2/tweets", data=b"", headers=headers, timeout=10)
    assert answer.status_code == 413
    assert sandbox.create(ana, "Small").status_code == 201


def test_only_loopback():
    """It cannot be told to listen to other machines."""
    command = [sys.executable, "-m", "sandbox", "--host", "0.0.0.0", "--port", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert done.returncode != 0
    assert "nothing leaves this machine" in done.stderr


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
def test_foreign_host_name(sandbox, host):
    """A name of another site that points to this machine gets nothing."""
    answer = sandbox.http.get(sandbox.url, headers={"Host": host}, timeout=10)
    assert answer.status_code == 404
    assert "Timeline" not in answer.text


def test_all_networks_from_one_process(tmp_path):
    """Each network listens on a port of its own and keeps its posts in a file of its own."""
    data = tmp_path / "sandbox.sqlite3"
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    lines = [process.stdout.readline().split() for _ in range(4)]
    try:
        assert [line[1] for line in lines] == ["ready", "mastodon", "bluesky", "facebook"]
        for *_, address in lines:
            answer = requests.post(
                f"{address}/control/api/tokens", json={"handle": "ana"}, timeout=10
            )
            assert answer.status_code == 201
    finally:
        process.terminate()
        assert process.wait(10) == 0
        process.stdout.close()
    kept = {path.name for path in tmp_path.glob("*.sqlite3")}
    assert kept == {f"sandbox{name}.sqlite3" for name in ("", "-mastodon", "-bluesky", "-facebook")}
