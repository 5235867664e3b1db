"""What each call takes: one schema at the border for JSON, forms and query strings."""

from __future__ import annotations

from app.web.schemas.calls import (
    AccountChange,
    AltChange,
    EditForm,
    EditQuery,
    ListQuery,
    NewTweet,
    NewTweetForm,
    OneJob,
    Reschedule,
    SettingsForm,
    StatusQuery,
    TweetChange,
    WhenQuery,
)
from app.web.schemas.reading import (
    Invalid,
    body,
    connect_fields,
    file_fields,
    form,
    given,
    init_app,
    key_in_header,
    only_file,
    query,
    sentence,
)

__all__ = [
    "AccountChange",
    "AltChange",
    "EditForm",
    "EditQuery",
    "Invalid",
    "ListQuery",
    "NewTweet",
    "NewTweetForm",
    "OneJob",
    "Reschedule",
    "SettingsForm",
    "StatusQuery",
    "TweetChange",
    "WhenQuery",
    "body",
    "connect_fields",
    "file_fields",
    "form",
    "given",
    "init_app",
    "key_in_header",
    "only_file",
    "query",
    "sentence",
]
