"""The database rows and the methods that change them; no network calls here."""

from app.models import content, quota, transitions
from app.models.account import LEAVING, LIMITED, PICTURED, Account, Health, NetworkBlock
from app.models.attempt import Attempt
from app.models.content import MAX_PARTS, Content, StoredPart, contents_of
from app.models.delivery import HELD, IN_FLIGHT, RESTORED, Delivery, milliseconds_late
from app.models.job_status import JobStatus
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
from app.models.tweet import WAITING, AlreadyBeingSent, Tweet
from app.models.user import SubmitIdReused, UnknownAccount, User
from app.models.worker import Broker, Worker

__all__ = [
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
    "SESSION_LIFE",
    "WAITING",
    "Account",
    "AlreadyBeingSent",
    "Attempt",
    "AuditEvent",
    "Broker",
    "ConnectionApp",
    "Content",
    "Delivery",
    "EventKind",
    "Health",
    "JobStatus",
    "MastodonServer",
    "NetworkBlock",
    "PendingConnection",
    "Picture",
    "PictureFile",
    "PictureState",
    "QuotaReached",
    "ServerApp",
    "SessionHere",
    "StoredPart",
    "SubmitIdReused",
    "TooManyPictures",
    "Tweet",
    "UnknownAccount",
    "UnknownPicture",
    "Upload",
    "User",
    "UserSession",
    "Worker",
    "content",
    "contents_of",
    "hash_of",
    "milliseconds_late",
    "quota",
    "transitions",
]
