"""Rows and their verbs; no network calls here."""

from app.models.account import Account, Health, NetworkStop
from app.models.attempt import Attempt
from app.models.delivery import Delivery
from app.models.job import Job
from app.models.pending_connection import PendingConnection
from app.models.picture import Picture, PictureFile, PictureState, Upload
from app.models.server_app import ConnectionApp, MastodonServer, ServerApp
from app.models.session import AuditEvent, EventKind, UserSession
from app.models.tweet import Tweet
from app.models.user import User
from app.models.worker import Broker, Worker

__all__ = [
    "Account",
    "Attempt",
    "AuditEvent",
    "Broker",
    "ConnectionApp",
    "Delivery",
    "EventKind",
    "Health",
    "Job",
    "MastodonServer",
    "NetworkStop",
    "PendingConnection",
    "Picture",
    "PictureFile",
    "PictureState",
    "ServerApp",
    "Tweet",
    "Upload",
    "User",
    "UserSession",
    "Worker",
]
