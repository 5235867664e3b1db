"""How requests are read and answered over HTTP: a worker class for gunicorn.

``gunicorn.conf.py`` names it. What only the app knows, it asks a ``Policy``.
"""

from app.server.policy import BULKHEADS, REFUSAL, Policy

__all__ = ["BULKHEADS", "REFUSAL", "Policy"]
