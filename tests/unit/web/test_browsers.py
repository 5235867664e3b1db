"""What a browser says of itself becomes a few words, and never anything else."""

from __future__ import annotations

import pytest

from app.web.browsers import name_of

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36", "Chrome on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {CHROME} Safari/537.36 Edg/141.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Linux; Android 15) {CHROME} Mobile Safari/537.36", "Chrome on Android"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) {SAFARI}", "Safari on iPhone"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {SAFARI}", "Safari on macOS"),
        ("python-requests/2.32.3", "python-requests"),
        ("curl/8.5.0", "curl"),
        ("Mozilla/5.0", ""),
        ("<script>alert(1)</script>", ""),
        ("\u202egnp", ""),
        ("", ""),
        ("a" * 10_000, "a" * 40),
    ],
)
def test_names(user_agent: str, name: str) -> None:
    """The browser and its system, a program's own name, or nothing."""
    assert name_of(user_agent) == name
