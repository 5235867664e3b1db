"""X's counting rules, by the vectors that X publishes."""

import subprocess
import sys

import pytest

from sandbox.x.text import cashtags, expand_links, normalise, weight, wrap_links


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi http://test.co", 26),
        ("http://test.co", 23),
        ("https://www.twitter.com/aloha " * 10, 240),
        ("漢" * 160, 320),
        ("H🐱☺👨‍👩‍👧‍👦", 7),
        ("🙋🏽👨‍🎤", 4),
        ("😷👾😡🔥💩", 10),
        ("caf\u00e9", 4),
        ("cafe\u0301", 4),
        ("see example.com now", 31),
        ("me@test.com", 11),
        ("@test.com", 9),
        ("#test.com", 9),
        ("$test.com", 9),
        ("test.tar.bz2", 12),
        ("日本.jp", 7),
    ],
)
def test_weight(text, expected):
    """Links weigh 23, emoji 2, and what looks like a link and is none weighs its characters."""
    assert weight(text) == expected


def test_endless_text():
    """A text that cannot fit is not even counted."""
    assert weight("a" * 100_000) > 280


@pytest.mark.parametrize("text", ["a & b <c>", "example.com/x?a=1&b=2", "https://a.co, b.co!"])
def test_wrapping_can_be_undone(text):
    """With the entities a reader gets back what was written."""
    shown, urls = wrap_links(text)
    assert expand_links(shown, urls) == text.replace("https://", "")


def test_normalise():
    """NFC, Unix line ends, nothing around."""
    assert normalise(" cafe\u0301\r\nline\r ") == "café\nline"


def test_cashtags():
    """Cashtags are letters after a dollar sign; amounts are not."""
    assert cashtags("$TWTR and $BRK.A cost $12, not US$AB") == ["$TWTR", "$BRK.A"]


def test_counting_needs_no_setuptools():
    """The parser's table of emoji is read by the standard library: the newest setuptools fits."""
    script = (
        "import sys; sys.modules['setuptools'] = sys.modules['pkg_resources'] = None\n"
        "from sandbox.x.text import weight\n"
        "print(weight('👨‍👩‍👧‍👦'))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True)
    assert (done.stdout, done.returncode) == (b"2\n", 0), done.stderr
