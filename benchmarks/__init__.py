"""How fast Tweet Later is, beside a plain Flask + Celery app; see bench.py."""
