"""Whatever the product writes as a time, it reads back as the same moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from app.web.i18n import exact_time
from app.when import understand

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Argentina/Buenos_Aires",
    "Asia/Kathmandu",
)
START = datetime(2026, 1, 1, 0, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def app() -> Flask:
    """An app that speaks languages, and nothing else."""
    app = Flask(__name__)
    Babel(app)
    return app


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("name", ZONES)
def test_a_year_is_read_back(app: Flask, name: str, locale: str) -> None:
    """Each day at another hour, both nights on which the clocks change hour by hour."""
    zone = ZoneInfo(name)
    moments = [START + timedelta(hours=25 * day) for day in range(350)]
    moments += _around_changes(zone)
    with app.test_request_context(), force_locale(locale):
        for at in moments:
            written = exact_time(at, zone, seconds=False)
            reader = ZoneInfo("Pacific/Auckland")
            now = at - timedelta(hours=7)
            assert understand(written, reader, now).at == at, written


def _around_changes(zone: ZoneInfo) -> list[datetime]:
    hours = [START + timedelta(minutes=30 * half) for half in range(365 * 48)]
    offsets = [at.astimezone(zone).utcoffset() for at in hours]
    changes = [n for n in range(1, len(hours)) if offsets[n] != offsets[n - 1]]
    return [at for n in changes for at in hours[n - 6 : n + 6]]
