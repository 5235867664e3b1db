"""What each call takes: one schema at the border for JSON, forms and query strings."""

from __future__ import annotations

from app.web.schemas import calendar_calls, calls, planning, pools, series, typed, weekly
from app.web.schemas.fields import (
    DEFAULT_VISIBILITY,
    LARGEST_ID,
    MAX_ADDRESS,
    MAX_JOBS,
    MAX_NAME,
    PICTURE_ID,
    YEARS,
    moment_of,
)
from app.web.schemas.reading import (
    Invalid,
    body,
    checked,
    connect_fields,
    file_fields,
    form,
    key_in_header,
    only_file,
    query,
)

__all__ = [
    "DEFAULT_VISIBILITY",
    "LARGEST_ID",
    "MAX_ADDRESS",
    "MAX_JOBS",
    "MAX_NAME",
    "PICTURE_ID",
    "YEARS",
    "Invalid",
    "body",
    "calendar_calls",
    "calls",
    "checked",
    "connect_fields",
    "file_fields",
    "form",
    "key_in_header",
    "moment_of",
    "only_file",
    "planning",
    "pools",
    "query",
    "series",
    "typed",
    "weekly",
]
