"""Rows and their verbs; no network calls here."""

from app.models.account import Account, Health, NetworkStop
from app.models.attempt import Attempt
from app.models.delivery import Delivery
from app.models.job import Job
from app.models.picture import Picture, PictureFile, PictureState, Upload
from app.models.server_app import ServerApp
from app.models.tweet import Tweet
from app.models.user import User
from app.models.worker import Broker, Worker

__all__ = [
    "Account",
    "Attempt",
    "Broker",
    "Delivery",
    "Health",
    "Job",
    "NetworkStop",
    "Picture",
    "PictureFile",
    "PictureState",
    "ServerApp",
    "Tweet",
    "Upload",
    "User",
    "Worker",
]
