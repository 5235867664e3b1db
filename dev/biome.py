"""Run Biome, the linter and formatter of scripts and styles: ``python -m dev.biome check``.

npm installs it from ``dev/node/``, where package-lock.json pins it. The app needs no Node: with a
package.json in the root, hosts would take it for a Node app. Without npm this says so and succeeds,
except in CI, where all has to be checked.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / "dev" / "node"
BIOME = NODE / "node_modules" / ".bin" / "biome"
LOCK = NODE / "package-lock.json"
INSTALLED = NODE / "node_modules" / ".package-lock.json"
"""What npm writes when it has installed everything."""
MISSING = "Scripts and styles (app/static) were not checked: that needs Node with npm."


def main(arguments: list[str]) -> int:
    """Return Biome's exit status; 0 without npm, 1 where CI lacks it."""
    npm = shutil.which("npm")
    if npm is None:
        print(MISSING, file=sys.stderr)
        return 1 if os.environ.get("CI") else 0
    if is_outdated():
        subprocess.run([npm, "ci", "--silent", "--no-audit", "--no-fund"], cwd=NODE, check=True)
    return subprocess.run([BIOME, *arguments, "--error-on-warnings"], cwd=ROOT).returncode


def is_outdated() -> bool:
    """True when what is pinned was not installed yet."""
    return not INSTALLED.exists() or INSTALLED.stat().st_mtime < LOCK.stat().st_mtime


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError:
        sys.exit("npm could not install Biome; it says why above. The same command tries again.")
