"""The database rows and the methods that change them; no network calls here."""

from app.models import (
    access_check,
    alert,
    autoscaling,
    background_task,
    calendar,
    content,
    delivery_rollup,
    draft,
    interest,
    mail,
    notice,
    pause,
    pool,
    preset,
    push,
    quota,
    sameness,
    series,
    slot,
    submissions,
    transitions,
    tweet_counts,
    tweet_file,
    tweet_lists,
)
from app.models.account import (
    ENDING,
    LEAVING,
    LIMITED,
    PICTURED,
    USABLE,
    Account,
    Health,
    NetworkBlock,
)
from app.models.alert import Alert, AlertMessage, AlertWatch, Condition, Told
from app.models.attempt import Attempt
from app.models.autoscaling import Autoscaling
from app.models.background_task import BackgroundTask, TaskState
from app.models.calendar_feed import CalendarFeed
from app.models.content import MAX_PARTS, Content, StoredPart, contents_of
from app.models.delivery import (
    HELD,
    IN_FLIGHT,
    RESTORED,
    RETRYING,
    STUCK,
    UNPUBLISHED,
    Delivery,
    milliseconds_late,
)
from app.models.draft import Draft
from app.models.duplicates import Duplicate, DuplicateText
from app.models.interest import Interest, InterestKind
from app.models.job_status import JobStatus
from app.models.learning import LearnedItem, Learning, ReadingList
from app.models.mail import (
    EmailAddress,
    EmailLink,
    LinkKind,
    Mail,
    MailState,
    Unsubscription,
)
from app.models.new_tweet import StoredTweet
from app.models.notice import Notice, NoticeKind
from app.models.operations_audit import OperationsAudit
from app.models.pause import Pause
from app.models.pending_connection import PendingConnection
from app.models.picture import (
    LOOK_AGAIN_AFTER,
    MAX_PICTURES,
    MOVING,
    Picture,
    PictureFile,
    PictureState,
    TooManyPictures,
    UnknownPicture,
    Upload,
)
from app.models.pool import Pool, PoolTweet
from app.models.post_numbers import ENOUGH, BestHours, NumbersProgress, PostNumbers
from app.models.push import PushMessage, PushTarget, PushWay
from app.models.quota import QuotaReached
from app.models.server_app import ConnectionApp, MastodonServer, ServerApp
from app.models.session import (
    SESSION_LIFE,
    AuditEvent,
    EventKind,
    SessionHere,
    UserSession,
    hash_of,
)
from app.models.submissions import SubmitIdReused
from app.models.suggestion import Reason, Suggestion, SuggestionKind
from app.models.tweet import WAITING, AlreadyBeingSent, Tweet
from app.models.tweet_file import TweetFile
from app.models.user import ALL, Role, UnknownAccount, User, is_leaving
from app.models.worker import Broker, Worker

__all__ = [
    "ALL",
    "ENDING",
    "ENOUGH",
    "HELD",
    "IN_FLIGHT",
    "LEAVING",
    "LIMITED",
    "LOOK_AGAIN_AFTER",
    "MAX_PARTS",
    "MAX_PICTURES",
    "MOVING",
    "PICTURED",
    "RESTORED",
    "RETRYING",
    "SESSION_LIFE",
    "STUCK",
    "UNPUBLISHED",
    "USABLE",
    "WAITING",
    "Account",
    "Alert",
    "AlertMessage",
    "AlertWatch",
    "AlreadyBeingSent",
    "Attempt",
    "AuditEvent",
    "Autoscaling",
    "BackgroundTask",
    "BestHours",
    "Broker",
    "CalendarFeed",
    "Condition",
    "ConnectionApp",
    "Content",
    "Delivery",
    "Draft",
    "Duplicate",
    "DuplicateText",
    "EmailAddress",
    "EmailLink",
    "EventKind",
    "Health",
    "Interest",
    "InterestKind",
    "JobStatus",
    "LearnedItem",
    "Learning",
    "LinkKind",
    "Mail",
    "MailState",
    "MastodonServer",
    "NetworkBlock",
    "Notice",
    "NoticeKind",
    "NumbersProgress",
    "OperationsAudit",
    "Pause",
    "PendingConnection",
    "Picture",
    "PictureFile",
    "PictureState",
    "Pool",
    "PoolTweet",
    "PostNumbers",
    "PushMessage",
    "PushTarget",
    "PushWay",
    "QuotaReached",
    "ReadingList",
    "Reason",
    "Role",
    "ServerApp",
    "SessionHere",
    "StoredPart",
    "StoredTweet",
    "SubmitIdReused",
    "Suggestion",
    "SuggestionKind",
    "TaskState",
    "Told",
    "TooManyPictures",
    "Tweet",
    "TweetFile",
    "UnknownAccount",
    "UnknownPicture",
    "Unsubscription",
    "Upload",
    "User",
    "UserSession",
    "Worker",
    "access_check",
    "alert",
    "autoscaling",
    "background_task",
    "calendar",
    "content",
    "contents_of",
    "delivery_rollup",
    "draft",
    "hash_of",
    "interest",
    "is_leaving",
    "mail",
    "milliseconds_late",
    "notice",
    "pause",
    "pool",
    "preset",
    "push",
    "quota",
    "sameness",
    "series",
    "slot",
    "submissions",
    "transitions",
    "tweet_counts",
    "tweet_file",
    "tweet_lists",
]
