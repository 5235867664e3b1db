"""The schema of every call that takes something."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.models import MAX_PARTS
from app.web.schemas.fields import (
    MAX_ACCOUNTS,
    MAX_CHOSEN,
    MAX_LIST,
    AccountId,
    AccountIdsOrAll,
    AccountKey,
    Address,
    Alt,
    Count,
    Cursor,
    EventId,
    Flag,
    Hobbies,
    ItemCursor,
    ItemKind,
    JobId,
    ListKind,
    MaybeAccountId,
    Mode,
    Name,
    NoSignature,
    NoticeIds,
    OptionsOf,
    Pictures,
    PostUrl,
    PresetId,
    ScanCursor,
    Schema,
    Server,
    ShownAt,
    Sought,
    SubmitId,
    Tab,
    Text,
    TweetIds,
    TypedCount,
    TypedPostUrl,
    VariantOf,
    Visibility,
    When,
    Words,
    YesOrNo,
)

Parts = Annotated[list["Part"], Field(max_length=MAX_PARTS)]
Variants = Annotated[
    dict[AccountKey, Annotated["Variant | None", VariantOf]], Field(max_length=MAX_ACCOUNTS)
]
Action = Literal["cancel", "retry", "reschedule"]


class Part(Schema):
    """One part of a thread."""

    text: Text | None = Field(None, description="the words")
    pictures: Pictures | None = Field(None, description="ids of your pictures, in order")


class Variant(Part):
    """What one account publishes instead."""

    parts: Parts | None = Field(None, description="a thread, instead of `text` and `pictures`")


class NewTweet(Schema):
    """``POST /tweets``"""

    text: Text | None = Field(None, description="the words")
    pictures: Pictures | None = Field(None, description="ids of your pictures, in order")
    parts: Parts | None = Field(None, description="a thread, instead of `text` and `pictures`")
    variants: Variants | None = Field(
        None, description="what single accounts publish instead, by account id"
    )
    options: OptionsOf | None = Field(None, description="what else posts have, by account id")
    accounts: AccountIdsOrAll | None = Field(
        None,
        description="ids, `all` of them, or `selection:<id>`; left out, null or empty for the first"
        " account",
    )
    signature: PresetId | NoSignature | None = Field(
        None,
        description="the id of one for all accounts, or `none`; left out or null: what each"
        " account has by default",
    )
    when: When | None = Field(
        None, description="ISO 8601 or words; left out, null, empty or `now` for now"
    )
    shown_at: ShownAt | None = Field(
        None, description="the `due_at` that was shown for `when`: it is what is stored"
    )
    queue: bool | None = Field(
        None, description="true, in place of `when`: each account's next free slot"
    )
    mode: Mode | None = Field(
        None, description="said once more: `later` needs a time, `now` and `queue` have none"
    )
    timezone: Name | None = Field(
        None, description="the zone of a person who has not chosen one, as an IANA name"
    )
    submit_id: SubmitId | None = Field(
        None, description="the same one again makes no second tweet; also `Idempotency-Key`"
    )
    check: bool | None = Field(
        None, description="true: only say how the time is understood, store nothing"
    )
    allow_duplicate: bool | None = Field(
        None, description="true: send it, although the same text was written before"
    )


class SubmitKey(Schema):
    """The header ``Idempotency-Key``."""

    submit_id: SubmitId | None = None


class TweetChange(Schema):
    """``PATCH /tweets/<id>``"""

    text: Text | None = Field(None, description="the words of the first part")
    pictures: Pictures | None = Field(None, description="the pictures of the first part")
    parts: Parts | None = Field(None, description="all parts, instead of `text` and `pictures`")
    variants: Variants | None = Field(
        None, description="as above; null takes a variant back, accounts left out keep theirs"
    )
    options: OptionsOf | None = Field(None, description="as above; kept and taken back likewise")
    when: When | None = Field(None, description="a time, or `now`; never empty")
    shown_at: ShownAt | None = Field(None, description="as in `POST /tweets`")
    job_id: JobId | None = Field(None, description="only what this job has yet to publish")


class Reschedule(Schema):
    """``POST /tweets/<id>/reschedule``"""

    when: Annotated[When, Field(min_length=1)] = Field(description="a time, or `now`; never empty")
    shown_at: ShownAt | None = Field(None, description="as in `POST /tweets`")
    due_at: ShownAt | None = Field(
        None, description="only the jobs that are due at this moment; left out or null for all"
    )


class OneJob(Schema):
    """``POST /tweets/<id>/cancel`` and ``/confirm``"""

    job_id: JobId | None = Field(None, description="this job alone; left out or null for all")


class Retry(OneJob):
    """``POST /tweets/<id>/retry``"""

    when: When | None = Field(
        None, description="a time, or `now`; left out or null for now; never empty"
    )
    shown_at: ShownAt | None = Field(None, description="as in `POST /tweets`")


class Bulk(Schema):
    """``POST /tweets/bulk``"""

    action: Action = Field(description="what to do with each of them")
    tweet_ids: TweetIds = Field(description="the tweets")
    when: When | None = Field(
        None,
        description="`reschedule`: a time, or `now`; `retry`: the same, left out or null for now",
    )


class AltChange(Schema):
    """``PATCH /pictures/<id>``"""

    alt: Alt = Field(description="what the picture shows, as long as its networks take")


class AccountChange(Schema):
    """``PATCH /accounts/<id>``"""

    signs_in: bool | None = Field(
        None, description="whether this account may be used for signing in"
    )
    visibility: Visibility | None = Field(
        None, description="who sees its posts from now on; Mastodon only"
    )


class InterestChange(Schema):
    """``PATCH /interests/<id>``"""

    hidden: bool | None = Field(None, description="true: nothing of it is suggested any more")
    pinned: bool | None = Field(None, description="true: it comes first; it is shown again then")


class InterestForm(Schema):
    """``POST /interests/<id>``, as a form"""

    hidden: YesOrNo | None = None
    pinned: YesOrNo | None = None


class ShownJob(Schema):
    """``GET /tweets/<id>``"""

    job_id: JobId | None = Field(None, description="the page shows which job this is")


class Nothing(Schema):
    """A call that takes nothing."""


class DeleteMe(Schema):
    """``DELETE /me``"""

    confirm: Name = Field(description="the word `delete`")


class ReportQuery(Schema):
    """``GET /tweets/import/<id>``, as a page"""

    after: Cursor = Field(None, description="rows that were shown before")


class NoticesQuery(Schema):
    """``GET /notices``"""

    before: Cursor = Field(None, description="the `next` of the page before")


class NoticesRead(Schema):
    """``POST /notices/read``"""

    ids: NoticeIds | None = Field(None, description="these; left out or null for all")


class Ways(Schema):
    """How one kind of notice is told"""

    mail: bool | None = Field(None, description="by mail, to a confirmed address")
    bell: bool | None = Field(None, description="in the pages")
    push: bool | None = Field(None, description="to browsers that allow it")


class NoticesChange(Schema):
    """``PATCH /settings/notices``"""

    failed: Ways | None = Field(None, description="a tweet failed")
    held: Ways | None = Field(None, description="a tweet that was due waits")
    review: Ways | None = Field(None, description="only you can tell whether it went out")
    access_ending: Ways | None = Field(None, description="our access ends before a tweet is due")
    access_ended: Ways | None = Field(None, description="our access has ended before one is due")
    published: Ways | None = Field(None, description="a tweet went out")
    digest: Ways | None = Field(None, description="every week, in numbers")
    reminder: bool | None = Field(None, description="what you began and did not finish")


class NothingMore(Schema):
    """What its address says already."""


class Confirming(Schema):
    """``POST /accounts/confirm``"""

    refuse: YesOrNo | None = Field(
        None, description="true or 1: connect nothing, and end the access"
    )
    shown: Name | None = Field(None, description="which page asked; another one is shown anew")


class WhenQuery(Schema):
    """``GET /when``"""

    when: When | None = Field(None, description="a time as in `POST /tweets`")
    timezone: Name | None = Field(None, description="as in `POST /tweets`")


class StatusQuery(Schema):
    """``GET /status``"""

    job_ids: Annotated[str, Field(max_length=MAX_LIST)] | None = Field(
        None, description="up to 100 ids, with commas between them"
    )


class ListQuery(Schema):
    """What lists of tweets take"""

    before: Cursor = Field(None, description="only tweets with smaller ids than this")


class TweetsQuery(ListQuery):
    """``GET /tweets``"""

    tab: Tab = Field("all", description="only tweets with a job in one of the tab's states")
    q: Words | None = Field(None, description="words in the text of a part, in upper or lower case")
    account: MaybeAccountId = Field(None, description="only what is for this account of yours")


class NumbersQuery(Schema):
    """``GET /numbers``"""

    account: MaybeAccountId = Field(None, description="one of your accounts, by default the first")
    before: Cursor = Field(None, description="the `next` of the page before")


class EditQuery(Schema):
    """``GET /tweets/<id>/edit``"""

    job_id: JobId | None = Field(None, description="only what this job has yet to publish")


class OverviewQuery(Schema):
    """``GET /operations/overview``"""

    by: Literal["hour", "day", "month"] | None = Field(
        None, description="the last 48 hours (left out, too), 30 days or 12 months"
    )


class OperationsQuery(Schema):
    """``GET /operations/<sending|scheduled|retries|failed|unconfirmed|held>``"""

    text: Sought | None = Field(None, description="words of the tweet")
    handle: Sought | None = Field(None, description="the account's handle")
    network: Sought | None = Field(None, description="its name, such as `x`")
    reason: Sought | None = Field(None, description="an `error.code`, or why it is held")
    job_id: Sought | None = Field(None, description="this job alone")
    before: Sought | None = Field(None, description="the `next` of the page before")


class PeriodicQuery(Schema):
    """``GET /operations/periodic``"""

    after: Sought | None = Field(None, description="the `next` of the page before")


class Filter(Schema):
    """The `filter` of an action: a tab, and what `GET /operations/<tab>` takes"""

    tab: Literal["sending", "scheduled", "retries", "failed", "unconfirmed", "held"] = Field(
        description="the list whose jobs are meant"
    )
    text: Sought | None = Field(None, description="words of the tweet")
    handle: Sought | None = Field(None, description="the account's handle")
    network: Sought | None = Field(None, description="its name, such as `x`")
    reason: Sought | None = Field(None, description="an `error.code`, or why it is held")
    job_id: Sought | None = Field(None, description="this job alone")


class OperationsAction(Schema):
    """``POST /operations/jobs/<retry|reschedule|confirm|discard>``"""

    job_ids: Annotated[list[JobId], Field(max_length=MAX_CHOSEN)] | None = Field(
        None, description="the jobs that are meant"
    )
    filter: Filter | None = Field(None, description="all jobs that match, instead")
    when: When | None = Field(None, description="for `reschedule`: as in `POST /tweets`")
    url: PostUrl | None = Field(
        None, description="for `confirm` and a single job: where the post is"
    )
    submit_id: SubmitId | None = Field(
        None, description="the same one again does nothing more; also `Idempotency-Key`"
    )
    dry_run: bool | None = Field(None, description="true: only say how many are meant")


class OperationsActionForm(Filter):
    """``POST /operations/jobs/<action>`` as a form: asks first, and acts when it is sure."""

    csrf_token: Text | None = None
    job_ids: Annotated[list[JobId], Field(max_length=MAX_CHOSEN)] = Field(default_factory=list)
    everything: Flag | None = None
    when: When | None = None
    url: TypedPostUrl = None
    submit_id: SubmitId | None = None
    sure: Flag | None = None


class PeriodicChange(Schema):
    """``PATCH /operations/periodic/<id>``"""

    every_s: int | None = Field(None, ge=5, le=31_536_000, description="seconds between runs")
    enabled: bool | None = Field(None, description="false: it is not done any more")


class PeriodicForm(Schema):
    """``POST /operations/periodic/<id>``, as a form"""

    every_s: Annotated[str, Field(pattern=r"^[0-9]{1,8}$")] = Field(description="seconds")
    enabled: str | None = None
    csrf_token: str | None = None


class PushKeys(Schema):
    """The keys of a browser."""

    p256dh: Text = Field(max_length=200)
    auth: Text = Field(max_length=200)


class PushSubscription(Schema):
    """``POST /push/subscriptions``"""

    endpoint: Text = Field(max_length=2_000, description="where its push service takes messages")
    keys: PushKeys = Field(description="`p256dh` and `auth`")
    expirationTime: float | None = Field(None, description="passed over")  # noqa: N815


class AlertUrl(Schema):
    """``POST /settings/alert-url``"""

    url: Text = Field(max_length=1_000, description="an Apprise URL; empty for none")


class NewPause(Schema):
    """``POST /operations/pauses``"""

    scope: Literal["all", "network", "account", "queue"] = Field(description="what is paused")
    value: Sought | AccountId | None = Field(
        None, description="the network, the queue, or the account's id or handle"
    )


class Resume(Schema):
    """``POST /operations/pauses/<id>/resume``"""

    then: Literal["shift", "send", "discard"] = Field(description="what becomes of what waited")


class Caps(Schema):
    """How many things of each list are read in a month, where that costs"""

    posts: Count | None = None
    likes: Count | None = None
    follows: Count | None = None

    def given(self) -> dict[str, int]:
        """Return those that were given, by list."""
        told = {"posts": self.posts, "likes": self.likes, "follows": self.follows}
        return {kind: cap for kind, cap in told.items() if cap is not None}


class Learn(Schema):
    """``POST /accounts/<id>/learning``"""

    caps: Caps | None = Field(
        None, description="things to read in a month: `posts`, `likes`, `follows`"
    )


class LearnForm(Schema):
    """``POST /accounts/<id>/learning``, as a form"""

    reads: list[ListKind] = Field(default_factory=list)
    posts: TypedCount | None = None
    likes: TypedCount | None = None
    follows: TypedCount | None = None
    csrf_token: str | None = None


class LearnChange(Schema):
    """``PATCH /accounts/<id>/learning``"""

    caps: Caps | None = Field(
        None, description="things to read in a month: `posts`, `likes`, `follows`"
    )
    reads: list[ListKind] | None = Field(
        None, max_length=3, description="the lists that are read: `posts`, `likes`, `follows`"
    )


class ImportNow(Schema):
    """``POST /accounts/<id>/learning/import``"""

    full: YesOrNo = Field(
        default=False,
        description="read everything again, so that edits and deletions are noticed, too",
    )


class ForgetQuery(Schema):
    """``DELETE /accounts/<id>/learning``"""

    forget: YesOrNo = Field(default=False, description="1 deletes everything that was imported")


class LearnedQuery(Schema):
    """``GET /accounts/<id>/learned``"""

    kind: ItemKind | None = Field(None, description="only these: `post`, `like`, `follow`")
    q: Words | None = Field(None, description="words in the text or the author's name")
    before: ItemCursor | None = Field(None, description="the `next` of the page before")


class RedisQuery(Schema):
    """``GET /operations/redis``"""

    match: Sought | None = Field(
        None, description="a pattern with `*`, `?` or `[`, or words anywhere in the name"
    )
    before: ScanCursor | None = Field(None, description="the `next` of the page before")


class RedisKeyQuery(Schema):
    """``GET /operations/redis/key``"""

    name: Annotated[str, Field(max_length=MAX_LIST)] = Field(description="the name of the key")


class SignInForm(Schema):
    """``POST /accounts/<id>/door``."""

    signs_in: YesOrNo


class VisibilityForm(Schema):
    """``POST /accounts/<id>/visibility``."""

    visibility: Visibility


class AnewForm(Schema):
    """``POST /login/<network>/anew``."""

    server: Server
    back: Name | None = None


class SeenForm(Schema):
    """``POST /settings/sessions/seen``."""

    up_to: EventId


class MailsQuery(Schema):
    """``GET /operations/mails``"""

    state: Literal["waiting", "sending", "sent", "unknown", "failed"] | None = Field(
        None, description="only those in this state"
    )
    before: Cursor = Field(None, description="`next` of the page before")


class EmailForm(Schema):
    """``POST /email``, ``POST /sign-up``"""

    address: Address = Field(description="an e-mail address")
    csrf_token: Text | None = None


class SettingsForm(Schema):
    """``POST /settings``."""

    csrf_token: Text | None = None
    timezone: Name = ""
    locale: Name = ""
    late_tolerance_hours: Name = ""
    hobbies: Hobbies | None = None
    week_start: Name | None = None
