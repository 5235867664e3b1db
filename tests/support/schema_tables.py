"""The tables of fields in docs/http.md, as the schemas have them."""

from __future__ import annotations

from typing import Any

from app.web.schemas import calendar_calls, calls, planning, pools, series, weekly
from app.web.schemas.fields import Schema

SHOWN: tuple[type[Schema], ...] = (
    calls.NewTweet,
    calls.Part,
    calls.Variant,
    planning.ScheduleDraft,
    planning.DraftsQuery,
    calls.TweetChange,
    series.NewSeries,
    series.SeriesChange,
    series.SeriesEnd,
    pools.NewPool,
    pools.PoolChange,
    planning.NewSelection,
    planning.SelectionChange,
    planning.NewSignature,
    planning.SignatureChange,
    planning.NewHashtagSet,
    planning.HashtagSetChange,
    calls.Reschedule,
    calendar_calls.CalendarQuery,
    calls.OneJob,
    calls.Retry,
    calls.Bulk,
    calls.AltChange,
    calls.AccountChange,
    weekly.SlotsChange,
    weekly.Time,
    calls.InterestChange,
    calls.Confirming,
    calls.Caps,
    calls.Learn,
    calls.LearnChange,
    calls.ImportNow,
    calls.ForgetQuery,
    calls.LearnedQuery,
    calls.WhenQuery,
    calls.StatusQuery,
    planning.ComposerQuery,
    calls.OverviewQuery,
    calls.OperationsQuery,
    calls.MailsQuery,
    calls.PeriodicQuery,
    calls.PeriodicChange,
    calls.Filter,
    calls.OperationsAction,
    calls.PushSubscription,
    calls.AlertUrl,
    calls.NewPause,
    calls.Resume,
    calls.RedisQuery,
    calls.RedisKeyQuery,
    calls.TweetsQuery,
    calls.NumbersQuery,
    calls.ShownJob,
    calls.DeleteMe,
    calls.ReportQuery,
    calls.NoticesQuery,
    calls.NoticesRead,
    calls.Ways,
    calls.NoticesChange,
    calls.EmailForm,
)


def markdown() -> str:
    """Return a table for each call, in the order of the page."""
    return "\n\n".join(map(_table, SHOWN))


def _table(schema: type[Schema]) -> str:
    known = schema.model_json_schema(by_alias=True)
    needed = known.get("required", [])
    found = known["$defs"][schema.__name__] if "$ref" in known else known
    rows = [
        f"| `{name}` | {_type(field)}{', needed' if name in needed else ''} "
        f"| {field.get('description', '')} |"
        for name, field in found["properties"].items()
    ]
    head = (schema.__doc__ or "").splitlines()[0].replace("``", "`").rstrip(".")
    return "\n".join([f"{head}:", "", "| field | type | what |", "|---|---|---|", *rows])


def _type(field: dict[str, Any]) -> str:
    """Return the type of a field in words: "list of up to 4 texts, or null"."""
    if "anyOf" in field:
        kinds = [_type(one) for one in field["anyOf"] if one.get("type") != "null"]
        may_be_null = len(kinds) < len(field["anyOf"])
        return " or ".join(dict.fromkeys(kinds)) + (", or null" if may_be_null else "")
    if "$ref" in field:
        return f"a {field['$ref'].rpartition('/')[2].lower()}"
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{word}`" for word in field["enum"])
    most = field.get("maxLength") or field.get("maxItems") or field.get("maxProperties")
    limit = f" up to {most:,}" if most else ""
    kind = field.get("type")
    if kind == "string":
        return f"text{limit and f',{limit} characters'}"
    if kind == "array":
        return f"list of{limit}: {_type(field['items'])}" if limit else "list"
    if kind == "object":
        return f"object of{limit} names" if limit else "object"
    return {"integer": "whole number", "boolean": "true or false"}.get(str(kind), str(kind))
