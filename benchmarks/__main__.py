"""``python -m benchmarks``."""

import sys

from benchmarks.bench import main

if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Stopped.")
