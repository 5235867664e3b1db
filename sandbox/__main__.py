"""``python -m sandbox``: runs the sandbox until it is told to stop."""

import argparse
import os
import signal
import threading
from contextlib import ExitStack

from flask import Flask
from werkzeug.serving import BaseWSGIServer

from sandbox import NETWORKS, create_network
from sandbox.core import LOOPBACK, STATE, make_sandbox_server
from sandbox.mail import Mailbox, MailServer, make_mail_pages

DESCRIPTION = "Plays X, Mastodon, Bluesky and Facebook on this machine, with faults on demand."
TO_STOP = {signal.SIGTERM, signal.SIGINT}
BESIDE_X = [name for name in NETWORKS if name != "x"]


def read_arguments() -> argparse.Namespace:
    """Options from the command line, else SANDBOX_PORT, SANDBOX_DATA …, else the defaults."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=DESCRIPTION)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument(
        "--port", type=int, default=os.environ.get("SANDBOX_PORT", "8090"), help="where X listens"
    )
    for name in BESIDE_X:
        parser.add_argument(
            f"--{name}-port",
            type=int,
            default=os.environ.get(f"SANDBOX_{name.upper()}_PORT"),
            help="by default the next one",
        )
    parser.add_argument(
        "--mail-port",
        type=int,
        default=os.environ.get("SANDBOX_MAIL_PORT"),
        help="where its mail server listens; by default the one after Facebook",
    )
    parser.add_argument(
        "--data", default=os.environ.get("SANDBOX_DATA", "instance/sandbox.sqlite3")
    )
    arguments = parser.parse_args()
    if arguments.host not in LOOPBACK:
        parser.error(f"--host is one of {', '.join(sorted(LOOPBACK))}: nothing leaves this machine")
    return arguments


def ports_in(arguments: argparse.Namespace) -> dict[str, int]:
    """The port of each network; 0 takes a free one."""
    ports = {"x": arguments.port}
    for number, name in enumerate(BESIDE_X, 1):
        given = getattr(arguments, f"{name}_port")
        usual = arguments.port + number if arguments.port else 0
        ports[name] = usual if given is None else given
    return ports


def main() -> None:
    """Serve until SIGTERM or SIGINT, then write everything down."""
    arguments = read_arguments()
    os.umask(0o077)  # tokens are in what it writes down, if only of people who do not exist
    # Blocked before any thread begins, and waited for: a handler that sets an event may come in
    # the moment between the last look at it and the wait, which then has no end.
    signal.pthread_sigmask(signal.SIG_BLOCK, TO_STOP)
    with ExitStack() as ending:
        servers = {}
        for name, port in ports_in(arguments).items():
            app, memory = create_network(name, arguments.data)
            ending.callback(memory.close)
            if name == "x":
                mail_server = _add_mail(app, arguments)
                ending.callback(mail_server.stop)
            servers[name] = make_sandbox_server(arguments.host, port, app)
        for server in servers.values():
            ending.enter_context(_Serving(server))
        host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
        for name, server in servers.items():
            whose = "sandbox ready" if name == "x" else f"sandbox {name}"
            print(f"{whose} on http://{host}:{server.port}", flush=True)
        print(f"sandbox mail on smtp://{host}:{mail_server.port}", flush=True)
        signal.sigwait(TO_STOP)


def _add_mail(app: Flask, arguments: argparse.Namespace) -> MailServer:
    """Start the mail server; X's pages show what it gets, and X's faults are its faults."""
    mailbox = Mailbox()
    app.register_blueprint(make_mail_pages(mailbox))
    app.jinja_env.globals["has_mail"] = True
    usual = arguments.port + len(NETWORKS) if arguments.port else 0
    port = usual if arguments.mail_port is None else arguments.mail_port
    server = MailServer(arguments.host, port, mailbox, app.extensions[STATE].faults)
    server.start()
    return server


class _Serving:
    """A server's own thread, for as long as the block lasts."""

    def __init__(self, server: BaseWSGIServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.1,))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()


if __name__ == "__main__":
    main()
