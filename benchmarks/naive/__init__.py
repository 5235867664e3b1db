"""A plain Flask + Celery app for the same purpose; see README.md."""
