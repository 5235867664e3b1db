"""Tweets in the browser and over JSON: written, listed, changed."""

from __future__ import annotations

from app.web.tweets import actions, bulk, forms, lists, options, payload, picked, routes, views
from app.web.tweets.views import STATUS, job_views

__all__ = [
    "STATUS",
    "actions",
    "bulk",
    "forms",
    "job_views",
    "lists",
    "options",
    "payload",
    "picked",
    "routes",
    "views",
]
