"""How gunicorn serves the pages; it reads this file by itself. Times are in seconds."""

import os
import sys

from config import ConfigurationError, load

# Loopback unless --bind says otherwise, as Procfile does on Heroku.
bind = f"127.0.0.1:{os.environ.get('PORT') or '8000'}"

# 2 processes: with a pool of connections each they stay inside small database plans. How many
# threads each has, and what for, app/server/policy.py says.
workers = int(os.environ.get("WEB_CONCURRENCY") or "2")
worker_class = "app.server.worker.Worker"
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


def on_starting(_server: object) -> None:
    """Stop at once when the environment is impossible: workers that end are started again."""
    try:
        load()
    except ConfigurationError as error:
        sys.exit(f"Tweet Later cannot start.\n{error}")
