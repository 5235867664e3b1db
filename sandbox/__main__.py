"""``python -m sandbox``: runs the sandbox until it is told to stop."""

import argparse
import os
import signal
import threading

from sandbox import create_sandbox
from sandbox.guards import LOOPBACK
from sandbox.server import make_sandbox_server


def read_arguments() -> argparse.Namespace:
    """Options from the command line, else SANDBOX_PORT and SANDBOX_DATA, else the defaults."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=create_sandbox.__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=os.environ.get("SANDBOX_PORT", "8090"))
    parser.add_argument(
        "--data", default=os.environ.get("SANDBOX_DATA", "instance/sandbox.sqlite3")
    )
    arguments = parser.parse_args()
    if arguments.host not in LOOPBACK:
        parser.error(f"--host is one of {', '.join(sorted(LOOPBACK))}: nothing leaves this machine")
    return arguments


def main() -> None:
    """Serve until SIGTERM or SIGINT, then write everything down."""
    arguments = read_arguments()
    app, state = create_sandbox(arguments.data)
    server = make_sandbox_server(arguments.host, arguments.port, app)

    def stop(*_: object) -> None:
        # shutdown() waits for the loop below, which this signal has interrupted.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    print(f"sandbox ready on http://{host}:{server.port}", flush=True)
    try:
        server.serve_forever(poll_interval=0.1)
    finally:
        state.close()


if __name__ == "__main__":
    main()
