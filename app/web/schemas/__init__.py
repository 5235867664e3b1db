"""What each call takes: one schema at the border for JSON, forms and query strings."""

from __future__ import annotations

from app.web.schemas.calls import (
    AccountChange,
    AltChange,
    Confirming,
    EditForm,
    EditQuery,
    ListQuery,
    NewTweet,
    NewTweetForm,
    OneJob,
    Reschedule,
    SeenForm,
    SettingsForm,
    SignInForm,
    StatusQuery,
    TweetChange,
    WhenQuery,
)
from app.web.schemas.fields import LARGEST_ID, MAX_JOBS, MAX_NAME, moment_of
from app.web.schemas.reading import (
    Invalid,
    body,
    connect_fields,
    file_fields,
    form,
    key_in_header,
    only_file,
    query,
)

__all__ = [
    "LARGEST_ID",
    "MAX_JOBS",
    "MAX_NAME",
    "AccountChange",
    "AltChange",
    "Confirming",
    "EditForm",
    "EditQuery",
    "Invalid",
    "ListQuery",
    "NewTweet",
    "NewTweetForm",
    "OneJob",
    "Reschedule",
    "SeenForm",
    "SettingsForm",
    "SignInForm",
    "StatusQuery",
    "TweetChange",
    "WhenQuery",
    "body",
    "connect_fields",
    "file_fields",
    "form",
    "key_in_header",
    "moment_of",
    "only_file",
    "query",
]
