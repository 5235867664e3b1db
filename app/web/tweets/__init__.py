"""Tweets in the browser and over JSON: written, listed, changed."""

from __future__ import annotations

from app.web.tweets import actions, forms, routes, views
from app.web.tweets.views import job_views

__all__ = ["actions", "forms", "job_views", "routes", "views"]
