"""A pytest plugin for machines without a browser: skips what needs one and says so loudly."""

from __future__ import annotations

import pytest

SENTENCE = "NO BROWSER WAS FOUND: the browser tests did not run. Install Chromium, or set CHROMIUM."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked ``browser``."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=SENTENCE))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Repeat it where everybody looks: at the end."""
    terminalreporter.section("BROWSER TESTS SKIPPED", sep="!", red=True, bold=True)
    terminalreporter.write_line(SENTENCE, red=True, bold=True)
