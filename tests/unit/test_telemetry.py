"""What may leave for Sentry, and what is said when a package is missing."""

from __future__ import annotations

import json
import logging

import pytest
from flask import Flask

from app import telemetry

EVENT = {
    "event_id": "1",
    "level": "error",
    "logger": "app.delivery.outcomes",
    "logentry": {"message": "job %s: %s", "params": ["7", "PRIVATE"], "formatted": "PRIVATE"},
    "exception": {
        "values": [{"type": "IntegrityError", "value": "Failing row contains (PRIVATE)"}]
    },
    "request": {
        "method": "POST",
        "url": "http://localhost/login?code=PRIVATE",
        "query_string": "code=PRIVATE",
        "headers": {"Cookie": "PRIVATE"},
        "data": {"text": "PRIVATE"},
    },
    "extra": {"job_id": "7", "celery-job": {"args": ["PRIVATE"]}, "sys.argv": ["PRIVATE"]},
    "breadcrumbs": {"values": [{"message": "PRIVATE"}]},
    "user": {"ip_address": "PRIVATE"},
}


def test_what_leaves() -> None:
    """Where it happened and to which job; nothing that somebody wrote."""
    bare = telemetry.bare_event(EVENT)
    assert "PRIVATE" not in json.dumps(bare)
    assert bare["tags"] == {"job_id": "7"}
    assert bare["logentry"] == {"message": "job %s: %s"}
    assert bare["exception"]["values"][0]["type"] == "IntegrityError"
    assert bare["request"] == {"method": "POST"}


def test_a_package_that_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    """One sentence says what to install, and the app starts."""
    app = Flask("somebody")
    app.config["SENTRY_DSN"] = "http://key@127.0.0.1:1/1"
    app.config["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1"
    with caplog.at_level(logging.WARNING):
        telemetry.init_app(app)
    assert [record.getMessage() for record in caplog.records] == [
        (
            "SENTRY_DSN is set, but sentry_sdk is not installed, so nothing is sent there: "
            "pip install 'sentry-sdk[celery,flask]'"
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but opentelemetry is not installed, so nothing is "
            "sent there: pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http "
            "opentelemetry-instrumentation-flask"
        ),
    ]
