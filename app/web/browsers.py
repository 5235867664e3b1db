"""What a browser says of itself, in a few words; it may lie, so nothing depends on it."""

from __future__ import annotations

import re

from flask_babel import gettext as _

NAMES = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""The first that is found counts: most browsers also name others."""
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
PROGRAM = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,39}")


def name_of(user_agent: str) -> str:
    """Return "Firefox on Linux", else the name that a program gives itself, else ""."""
    browser = next((name for word, name in NAMES if word in user_agent), "")
    system = next((name for word, name in SYSTEMS if word in user_agent), "")
    if browser:
        return f"{browser} on {system}" if system else browser
    program = PROGRAM.match(user_agent)
    return program[0] if program and program[0] != "Mozilla" else ""


def in_words(name: str) -> str:
    """Return the name of a browser as a page says it."""
    browser, _on, system = name.partition(" on ")
    if not browser:
        return _("an unknown browser")
    return _("%(browser)s on %(system)s", browser=browser, system=system) if system else browser
