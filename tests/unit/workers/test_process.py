"""What a worker process asks of the operating system."""

from __future__ import annotations

import subprocess
import sys

from tests.support.sandbox import ROOT

PROGRAM = """
import resource
from app.workers.process import MAX_OPEN_FILES, allow_many_files

_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
hard = 4000 if hard == resource.RLIM_INFINITY else min(hard, 4000)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
allow_many_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE) == (min(MAX_OPEN_FILES, hard), hard))
"""


def test_a_worker_may_open_as_many_files_as_the_system_allows() -> None:
    """With the usual limit, thousands of servers would leave none for further connections."""
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout.split() == ["True"], ran.stderr[-2000:]
