"""Rows and their verbs; no network calls here."""

from app.models.account import Account, Health, NetworkStop
from app.models.attempt import Attempt
from app.models.delivery import Delivery
from app.models.tweet import Tweet
from app.models.user import User
from app.models.worker import Broker, Worker

__all__ = [
    "Account",
    "Attempt",
    "Broker",
    "Delivery",
    "Health",
    "NetworkStop",
    "Tweet",
    "User",
    "Worker",
]
