"""Errors to Sentry and traces to OpenTelemetry, where the operator has asked for it.

Neither package is among the requirements: who sets ``SENTRY_DSN`` or
``OTEL_EXPORTER_OTLP_ENDPOINT`` installs it. What leaves is what an error is and where it happened:
no text of a tweet, no body, no address with its query, no value of a variable, no message of an
exception, since PostgreSQL puts whole rows into those.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask

log = logging.getLogger(__name__)

SENTRY_NEEDS = "'sentry-sdk[celery,flask]'"
OTEL_NEEDS = (
    "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http opentelemetry-instrumentation-flask"
)
LEFT_OUT = "[left out]"
KEPT_OF_EVENT = {
    *("event_id", "timestamp", "platform", "level", "logger", "release", "environment"),
    *("server_name", "sdk", "contexts", "transaction", "exception", "logentry", "request", "tags"),
}
KEPT_OF_SPAN = {
    *("http.method", "http.request.method", "http.route", "http.status_code"),
    *("http.response.status_code", "error.type"),
}
SERVICE = "tweet-later"


def init_app(app: Flask) -> None:
    """Start what is set. A missing package is said in the log, and stops nothing."""
    wanted: dict[str, tuple[Callable[[Flask], None], str]] = {
        "SENTRY_DSN": (_report_errors, SENTRY_NEEDS),
        "OTEL_EXPORTER_OTLP_ENDPOINT": (_trace, OTEL_NEEDS),
    }
    for variable, (start, packages) in wanted.items():
        if not app.config[variable]:
            continue
        try:
            start(app)
        except ImportError as error:
            log.warning(
                "%s is set, but %s is not installed, so nothing is sent there: pip install %s",
                *(variable, error.name, packages),
            )


def _report_errors(app: Flask) -> None:
    import sentry_sdk  # here, as below: whoever sets neither need not have it
    from sentry_sdk.integrations.celery import CeleryIntegration
    from sentry_sdk.integrations.flask import FlaskIntegration

    sentry_sdk.init(
        dsn=app.config["SENTRY_DSN"],
        integrations=[FlaskIntegration(), CeleryIntegration()],
        auto_enabling_integrations=False,
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        auto_session_tracking=False,
        max_breadcrumbs=0,  # they have statements, addresses and lines of the log
        before_send=bare_event,
    )


def bare_event(event: Any, _hint: Any = None) -> Any:
    """Return what may leave of an event of Sentry's."""
    job_id = event.get("extra", {}).get("job_id")
    bare = {name: value for name, value in event.items() if name in KEPT_OF_EVENT}
    if job_id:
        bare["tags"] = {**bare.get("tags", {}), "job_id": job_id}
    for error in bare.get("exception", {}).get("values", []):
        error["value"] = LEFT_OUT
    if "logentry" in bare:
        bare["logentry"] = {"message": bare["logentry"].get("message", "")}  # as it is in the code
    if "request" in bare:
        bare["request"] = {"method": bare["request"].get("method")}
    return bare


def _trace(app: Flask) -> None:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import Status

    class BareExporter(OTLPSpanExporter):
        """Sends how long what took, and whether it failed."""

        def export(self, spans: Any) -> Any:
            return super().export([bare_span(span) for span in spans])

    def bare_span(span: Any) -> Any:
        attributes: Mapping[str, Any] = span.attributes or {}
        return ReadableSpan(
            name=span.name,
            context=span.get_span_context(),
            parent=span.parent,
            resource=span.resource,
            attributes={name: attributes[name] for name in attributes.keys() & KEPT_OF_SPAN},
            kind=span.kind,
            status=Status(span.status.status_code),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    provider = TracerProvider(
        resource=Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", SERVICE)})
    )
    provider.add_span_processor(BatchSpanProcessor(BareExporter()))
    trace.set_tracer_provider(provider)
    FlaskInstrumentor().instrument_app(app)
