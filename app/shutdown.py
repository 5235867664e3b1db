"""Stopping a worker process: the event that says so, and every deadline of a stop.

On SIGTERM what is being sent finishes and the rest is handed back to the schedule. A dyno is killed
after 30 seconds; what a kill leaves is settled by its lease (docs/delivery.md). Celery ends its own
tasks first: they only hand ids over, in up to five seconds (app/workers/publisher_thread.py). Calls
to networks beside tweets, and a picture that is being made, have no deadline here: they end with
their own timeouts, or with the process. The web process has deadlines of its own:
``graceful_timeout`` in gunicorn.conf.py, ``LINGER`` and ``LAST_WORDS`` in app/server/loop.py.
"""

from __future__ import annotations

from threading import Event

stopping = Event()
"""Set when this process was asked to stop: what has not begun is handed back."""
SCHEDULER_SECONDS = 5.0
"""For the scheduler's thread to come to the end of its round."""
SENDING_SECONDS = 22.0
"""For the publisher and look-ups to finish and record what is under way."""
PROCESSES_SECONDS = 24.0
"""For the further processes of a worker, from the first signal on."""
ENDS_WITH_INPUT = "TWEET_LATER_ENDS_WITH_INPUT"
"""The variable that is set for a worker which stops, as on SIGTERM, when its standard input ends:
whoever started it keeps the other end of that pipe, and has let go of it or is gone."""
