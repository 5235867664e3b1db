"""Say when everything is up, after looking."""

from __future__ import annotations

import http.client
import time

from dev import ports
from dev.plan import Plan
from dev.processes import wait_until

PAUSE = 0.25
#: Seconds after which a person is told what it still waits for.
PATIENCE = 30


def wait_for_ports(plan: Plan) -> None:
    """Wait until somebody listens on the ports that were chosen, at most ``PATIENCE`` seconds."""
    wait_until(lambda: all(ports.answers(port) for port in plan.ports), PATIENCE)


def announce(plan: Plan) -> None:
    """Wait until the page, its worker and the sandbox answer, then print where they are."""
    deadline = time.monotonic() + PATIENCE
    warned = False
    while problem := what_is_missing(plan):
        if time.monotonic() > deadline and not warned:
            warned = True
            say(f"{address(plan.page)} is not ready yet: {problem}")
        time.sleep(PAUSE)
    say(greeting(plan))


def what_is_missing(plan: Plan) -> str | None:
    """Return what is not up yet in words, or None when everything is."""
    if not all(ports.answers(port) for port in plan.sandbox.values()):
        return "the sandbox does not answer"
    connection = http.client.HTTPConnection(ports.LOOPBACK, plan.page, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        answer = connection.getresponse()
        text = answer.read(500).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException):
        return "the page does not answer"
    finally:
        connection.close()
    return None if answer.status == http.client.OK else f"/healthz says {text}"


def greeting(plan: Plan) -> str:
    """Return the line that tells a person where to go."""
    where = f"Tweet Later is at {address(plan.page)}"
    played = plan.environment.get("SANDBOX", "").split(",")
    real = [name.capitalize() for name in plan.sandbox if name not in played]
    if real:
        others = " and ".join(real)
        where += f"  (sandbox — {address(plan.sandbox['x'])} — but what goes to {others} is real)"
    elif plan.sandbox:
        where += f"  (sandbox: nothing leaves this machine — {address(plan.sandbox['x'])})"
    else:
        where += f"  (X at {plan.environment.get('X_API_URL', 'https://api.x.com')})"
    return f"{where}  Ctrl-C stops everything.{invitation(plan)}"


def invitation(plan: Plan) -> str:
    """Return how to connect to the networks that ask something first, if they are played here."""
    environment, asks = plan.environment, []
    if plan.sandbox and environment["MASTODON_SERVER"] == address(plan.sandbox["mastodon"]):
        asks.append("Mastodon: connect to the server that stands there, as anybody.")
    if plan.sandbox and environment["BLUESKY_URL"] == address(plan.sandbox["bluesky"]):
        asks.append("Bluesky: any handle, such as ana.test, with the password sandbox-password.")
    return "".join(f"\n  {line}" for line in asks)


def address(port: int) -> str:
    """Return the URL of a loopback port."""
    return f"http://{ports.LOOPBACK}:{port}"


def say(sentence: str) -> None:
    """Print a line that stands out between the processes' own."""
    print(f"\n{sentence}\n", flush=True)
