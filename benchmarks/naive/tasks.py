"""The Celery app: one task for each tweet, on a pool of greenlets."""

from __future__ import annotations

import os

import requests
from celery import Celery
from flask import Flask
from requests.adapters import HTTPAdapter
from requests_oauthlib import OAuth2

from benchmarks.naive.models import Tweet, User, db, settings

CONNECTIONS = 100

celery = Celery("plain", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
celery.conf.update(
    task_acks_late=False,
    worker_prefetch_multiplier=4,
    result_expires=86_400,
    # Longer than anybody schedules ahead: Redis hands out again what was not begun by then.
    broker_transport_options={"visibility_timeout": 30 * 86_400},
    worker_hijack_root_logger=False,
)

flask_app = Flask("plain-worker")
flask_app.config.update(settings(pool_size=20))
db.init_app(flask_app)

http = requests.Session()
http.mount("http", HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS))


@celery.task(  # type: ignore[untyped-decorator]
    autoretry_for=(requests.ConnectionError,), max_retries=3
)
def publish(tweet_id: int) -> str:
    """Post a tweet and return X's id of it."""
    with flask_app.app_context():
        query = db.select(Tweet.text, User.access_token).join(User, User.id == Tweet.user_id)
        text, token = db.session.execute(query.where(Tweet.id == tweet_id)).one()
        db.session.commit()  # no connection is kept while X answers
        remote_id = _post(text, token)
        done = db.update(Tweet).where(Tweet.id == tweet_id)
        db.session.execute(done.values(state="posted", remote_id=remote_id))
        db.session.commit()
        return remote_id


def _post(text: str, token: str) -> str:
    answer = http.post(
        f"{os.environ['X_API_URL']}/2/tweets",
        json={"text": text},
        auth=OAuth2(token={"access_token": token, "token_type": "Bearer"}),
        timeout=15,
    )
    answer.raise_for_status()
    remote_id: str = answer.json()["data"]["id"]
    return remote_id
