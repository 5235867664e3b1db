"""Find a browser for the browser tests, or get one.

In this order: ``CHROMIUM``, a Chromium or Chrome on the PATH, the one Playwright downloads for
itself, Debian's package when we are root. ``python -m dev.browser`` prints what it found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

#: The engine without windows, which works about half as much as the whole browser.
SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
#: Seconds a download may take.
DOWNLOAD = 600


def find() -> str | None:
    """Return the path of a browser that starts, installing one if need be; None without any."""
    return named() or on_path() or playwrights_own() or debians()


def named() -> str | None:
    """Return the browser that ``CHROMIUM`` names.

    :raises SystemExit: when it does not start.
    """
    path = os.environ.get("CHROMIUM")
    if path and not starts(path):
        sys.exit(f"CHROMIUM={path} does not start.")
    return path or None


def on_path() -> str | None:
    """Return the first browser on the PATH that starts; some are only a note to install one."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    return next((path for path in (*found, MAC) if starts(path)), None)


def playwrights_own() -> str | None:
    """Return Playwright's own browser, downloading it on the first call."""
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if not Path(path).exists():
        print("No Chromium on the PATH: asking Playwright for its own …", flush=True)
        attempt([sys.executable, "-m", "playwright", "install", "chromium"])
    return path if starts(path) else None


def debians() -> str | None:
    """Return Debian's Chromium, installing its package when that is possible."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    print("Installing Debian's Chromium …", flush=True)
    if attempt(["apt-get", "update", "-qq"]):
        install = ["apt-get", "install", "-y", "-qq"]
        attempt([*install, SHELL]) or attempt([*install, "chromium"])
    return on_path()


def attempt(command: list[str]) -> bool:
    """Run a command that may fail; return whether it worked."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            command, env=environment, check=True, timeout=DOWNLOAD, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError) as error:
        print(f"That did not work: {error}", flush=True)
        return False
    return True


def starts(path: str) -> bool:
    """True when a browser finds all its libraries and tells its version."""
    try:
        answer = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.returncode == 0 and answer.stdout.strip() != ""


if __name__ == "__main__":
    print(find() or "No browser.")
