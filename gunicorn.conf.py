"""How gunicorn serves the pages; it reads this file by itself. Times are in seconds."""

import gc
import os
from typing import Any

# Loopback unless --bind says otherwise, as Procfile does on Heroku.
bind = f"127.0.0.1:{os.environ.get('PORT') or '8000'}"

# 2 processes: with a pool of connections each they stay inside small database plans. How many
# threads each has, and what for, app/server/policy.py says.
workers = int(os.environ.get("WEB_CONCURRENCY") or "2")
worker_class = "app.server.worker.Worker"
# The app is made once and then divided: half the memory. An impossible environment ends the start.
preload_app = True
# No header of a request may say where the app is mounted.
forwarder_headers = ""

# A request that takes longer than Heroku's 30 s has lost its reader anyway, and a dyno is killed
# 30 s after SIGTERM: leave before that.
timeout = 30
graceful_timeout = 20
# Heroku's router keeps idle connections for 90 s; closing first would turn its next request on
# such a connection into an error page.
keepalive = 95

# The workers' heartbeat file belongs in memory: on a slow disk a busy worker looks dead.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
control_socket_disable = True

# Method, path, status, bytes, milliseconds. Never the query string, the referrer or a body: they
# can hold OAuth codes and the words of a tweet.
accesslog = "-"
access_log_format = "%(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"
errorlog = "-"


def when_ready(server: Any) -> None:
    """Before the processes begin: load now what all of them need, so that they share it.

    What is frozen is left alone by the garbage collector, whose marks would copy every page.
    """
    warm_up = getattr(server.app.wsgi(), "extensions", {}).get("warm_up")
    if warm_up is not None:
        warm_up()
    gc.collect()
    gc.freeze()


BESIDE = ("autoscaler", "alerts")
"""What runs beside the pages, in a thread of each process, where the settings ask for it."""


def post_worker_init(worker: Any) -> None:
    """In each process: let it start workers by need, and tell operators what is wrong."""
    for beside in _beside(worker):
        beside.start(lambda: worker.alive)


def worker_exit(_server: Any, worker: Any) -> None:
    """At the end of each process: its workers leave with it."""
    for beside in _beside(worker):
        beside.stop()


def _beside(worker: Any) -> list[Any]:
    extensions = getattr(getattr(worker, "wsgi", None), "extensions", {})
    return [extensions[name] for name in BESIDE if name in extensions]
