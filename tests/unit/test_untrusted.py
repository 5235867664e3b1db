"""What others wrote is made fit to be kept, and never passes for something it is not."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest

from app import untrusted
from app.networks.base import Connection, Outcome, OutcomeKind, Profile, SeenPost
from app.networks.errors import ConnectRefused, LookUpFailed, TokenRefused
from app.networks.http.calls import Response
from app.networks.responses import number_in, seconds_until


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"a\\u0000b"', "a\ufffdb"),
        ('"a\0b"', "a\ufffdb"),
        ('"\\ud800"', "\ufffd"),
        ('"\\udc00\\ud800"', "\ufffd\ufffd"),
        ('"\\ud83d\\ude00"', "😀"),
        ('"a\\n\\tb"', "a\n\tb"),
        ('"\\u001b[31m\\u009b"', "\ufffd[31m\ufffd"),
        ('{"\\ud800": {"\\u0000": 1}}', {"\ufffd": {"\ufffd": 1}}),
        ('{"i\\u0000d": "1"}', {"i\ufffdd": "1"}),
        ("[1e999, -1e999, NaN, Infinity, -Infinity, 1.5]", [*[None] * 5, 1.5]),
        ("[" + "9" * 5_000 + ", 7]", [None, 7]),
        ("[-" + "9" * 400 + "]", [None]),
        ('\ufeff{"id": 1}', {"id": 1}),
        ("", None),
        ("null", None),
        ("<html>", None),
        ('{"id": "1"', None),
        ("[" * 100_000, None),
        ("[" * 100_000 + "]" * 100_000, None),
        ('{"a":' * 100_000, None),
        ("[" * 100 + "]" * 100, None),
        ("[" + "{}," * 500_000 + "{}]", None),
    ],
)
def test_json_of_strangers(written: str, read: Any) -> None:
    """Texts, keys and numbers that nobody can keep are replaced; what is too much is unreadable."""
    assert untrusted.parsed(written) == read


def test_what_was_read_can_be_stored() -> None:
    """Whatever random JSON says, it is text that every database takes."""
    chance = random.Random(7)
    odd = ["\0", "\ud800", "\udfff", "\x1b", "\x85", "\ufffe", "a", "é", "😀", "\n"]

    def made(depth: int) -> Any:
        kind = chance.randrange(5 if depth else 3)
        if kind == 3:
            return [made(depth - 1) for _ in range(3)]
        if kind == 4:
            return {"".join(chance.choices(odd, k=3)): made(depth - 1) for _ in range(3)}
        return ["".join(chance.choices(odd, k=5)), chance.randrange(10**18), None][kind]

    for _ in range(300):
        stored = untrusted.stored(untrusted.parsed(json.dumps(made(4))))
        assert "\\u0000" not in stored
        json.loads(stored)
        assert json.dumps(json.loads(stored), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        None,
        1.0,
        1.5,
        {},
        {"id": 1},
        [],
        ["1"],
        "",
        "  ",
        "a\x00",
        "a�",
        "a\nb",
        "\x1b[2J",
        "1" * 257,
        10**30,
        "a\u2028b",
        "a\u202eb",
        float("inf"),
        "�",
    ],
)
def test_what_is_no_id(value: Any) -> None:
    """Neither here nor for a person, a post or the end of a call."""
    assert untrusted.identifier(value) is None
    assert Outcome(OutcomeKind.OK, remote_id=value).remote_id is None
    with pytest.raises(ValueError, match="without an id"):
        Profile(value, "ana")
    with pytest.raises(ValueError, match="without an id"):
        SeenPost(value, "", None, "")


@pytest.mark.parametrize("value", ["1", " 1 ", 1, 10**18, "a" * 256, "ÄÖ", "at://did:plc:a/b/c"])
def test_what_is_an_id(value: Any) -> None:
    """A text of any shape, or a whole number."""
    assert untrusted.identifier(value) == str(value).strip()


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        {},
        "",
        "javascript:alert(1)",
        "JAVASCRIPT://a.example/%0aalert(1)",
        "data:text/html,x",
        "https://",
        "https:///a",
        "https://a.example/" + "a" * 2000,
        "https://a.example/a b",
        "https://a.example/\x00",
        "https://a.example/�",
        "https://a.example/\u202e",
        "https://a.example\\@b.example",
        "https://bsky.app@b.example/",
        "//a.example",
        "/a",
        "ftp://a",
        "https://[::1",
        "https://a.example:99999/",
        'https://a.example/"><script>',
        " https://a.b/",
    ],
)
def test_what_is_no_address(value: Any) -> None:
    """A link that a page shows leads to a web page."""
    assert untrusted.web_address(value) == ""
    assert Outcome(OutcomeKind.OK, remote_id="1", remote_url=value).remote_url is None
    assert Profile("1", "ana", avatar_url=value).avatar_url == ""


@pytest.mark.parametrize(
    "value", ["https://a.example/@ana/1?x=y#z", "HTTP://127.0.0.1:80/", "https://bücher.example/ä"]
)
def test_what_is_an_address(value: str) -> None:
    """As it was said."""
    assert untrusted.web_address(value) == value


def test_names_fit_into_a_line() -> None:
    """Whatever they are, they are short and can be shown; nobody at all is nobody."""
    profile = Profile("1", "a\nna\0" + "x" * 9_000, "\ud800 \t B\n" * 5_000, server="s" * 999)
    assert profile.handle.startswith("a na\ufffdx")
    assert (len(profile.handle), len(profile.server)) == (255, 255)
    assert len(profile.display_name) <= 255
    assert Profile("1", "ana", display_name={"a": 1}).display_name == ""  # type: ignore[arg-type]
    for handle in ("", " \n", None, 5, {}):
        with pytest.raises(ValueError, match="name"):
            Profile("1", handle)  # type: ignore[arg-type]


def test_what_is_told_of_an_end_is_bounded() -> None:
    """Details, ids of calls and waits, whatever a network says."""
    outcome = Outcome(
        OutcomeKind.LATER,
        detail="\0" + "x" * 9_000,
        request_id="r" * 9_000,
        retry_after=float("nan"),
    )
    assert outcome.detail is not None
    assert (len(outcome.detail), outcome.detail[0]) == (300, "\ufffd")
    assert (outcome.request_id, outcome.retry_after) == ("r" * 64, None)
    for wait, kept in ((-5, 0), (10.0**30, 86_400), (float("inf"), 86_400), (7, 7)):
        assert Outcome(OutcomeKind.LATER, retry_after=wait, pause_for=wait).retry_after == kept
        assert LookUpFailed("no", wait).retry_after == kept
    assert len(str(TokenRefused("x" * 9_000))) == 300
    assert len(ConnectRefused("refused", "x" * 9_000).detail) == 300


@pytest.mark.parametrize("token", ["a\nb", "a\0", "é", "\ufffd", " a", "a" * 9_000, "\u2028"])
def test_tokens_that_no_header_can_carry(token: str) -> None:
    """They open no account."""
    assert untrusted.secret(token) is None
    with pytest.raises(ConnectRefused):
        Connection(Profile("1", "ana"), {"access_token": token})


WAITS = [
    *("", " ", "-1", "-1e9", "0", "nan", "inf", "-inf", "1e400", "1" * 400, "1_0", "０", "true"),
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    *("Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 +9999", "Mon, 99 Foo 12345 1:2"),
    *("1000000000000000000000000000000", "253402300800", "99999999999999", ", , ,", "Mon, ", ":::"),
    *("Thu, 01 Jan 1970 00:00:00 -9999999999", "\ufffd", "1 Jan 99999999999 00:00:00 GMT"),
]


@pytest.mark.parametrize("told", WAITS)
@pytest.mark.parametrize("date", ["", "\ufffd", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 1 Jan 1"])
def test_waits_of_strangers(told: str, date: str) -> None:
    """A wait is between a second and a day, or none at all."""
    wait = seconds_until(Response(429, {"date": date}, None, ""), told)
    assert wait is None or 1 <= wait <= 86_400
    number = number_in(told)
    assert number is None or abs(number) < 10**18


def test_random_moments_raise_nothing() -> None:
    """Headers are fuzzed: what cannot be read is no wait."""
    chance = random.Random(3)
    letters = "0123456789-+:., TZGMTJanMonFri/"
    for _ in range(3_000):
        told = "".join(chance.choices(letters, k=chance.randrange(40)))
        wait = seconds_until(Response(429, {"date": told[::-1]}, None, ""), told)
        assert wait is None or 1 <= wait <= 86_400


def test_a_large_answer_is_read_quickly() -> None:
    """Four million bytes of small things cost no minute."""
    started = time.monotonic()
    for piece in ('"\\u0000",', "{},", "[],", '{"a":1},', "1,", '""'):
        untrusted.parsed("[" + piece * (4_000_000 // len(piece)) + "1]")
    assert time.monotonic() - started < 10
