"""Run the tests: find a browser, then hand over to pytest with the arguments given.

Sets ``CHROMIUM`` to the browser's path. Without a browser the tests marked ``browser`` are
skipped, loudly; in CI (``CI`` set) that is an error.
"""

from __future__ import annotations

import os
import sys

from dev import browser

#: Three, also on two cores: tests mostly wait. A file's tests stay in one process: servers that a
#: file starts are started once. Their order is that of tests/conftest.py.
PARALLEL = ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"]
#: What `make quick` runs; no browser is looked for.
QUICK = ["tests/unit", "-m", "not slow and not browser"]


def main(arguments: list[str]) -> None:
    """Become pytest; ``--quick`` as the first argument leaves out what is slow.

    :raises SystemExit: in CI, when no browser can be had.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of programs load the same files
    command = [sys.executable, "-m", "pytest", *PARALLEL]
    if arguments[:1] == ["--quick"]:
        os.execv(sys.executable, [*command, *QUICK, *arguments[1:]])
    path = browser.find()
    if path:
        os.environ["CHROMIUM"] = path
    elif os.environ.get("CI"):
        sys.exit("No browser could be found or installed, and CI must not skip the browser tests.")
    else:
        command += ["-p", "dev.no_browser"]
    os.execv(sys.executable, [*command, *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
