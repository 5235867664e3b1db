"""The pages: sign in with X, write a tweet, ask what became of it."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime
from typing import Any

import requests
from authlib.integrations.flask_client import OAuth
from celery.result import AsyncResult
from flask import Blueprint, Flask, abort, jsonify, redirect, render_template_string, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_required, login_user
from flask_wtf import CSRFProtect, FlaskForm
from wtforms import DateTimeField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from benchmarks.naive.models import Tweet, User, db, settings
from benchmarks.naive.tasks import celery, publish

PAGE = """<!doctype html><title>Tweets</title>
<meta name="csrf-token" content="{{ csrf_token() }}">
{% if user.is_authenticated %}<form method="post" action="{{ url_for("site.create") }}">
{{ form.hidden_tag() }}{{ form.text() }}{{ form.when() }}<button>Tweet</button></form>
{% else %}<a href="{{ url_for("site.login") }}">Sign in with X</a>{% endif %}"""

site = Blueprint("site", __name__)
oauth: Any = OAuth()
login_manager = LoginManager()


class TweetForm(FlaskForm):  # type: ignore[misc]
    """What is to be tweeted, and when; no time means now."""

    text = TextAreaField(validators=[DataRequired(), Length(max=280)])
    when = DateTimeField(format=["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"], validators=[Optional()])


def create_app() -> Flask:
    """Make the app from the environment."""
    app = Flask("plain")
    app.config.update(settings(pool_size=4))
    db.init_app(app)
    login_manager.init_app(app)
    CSRFProtect(app)
    oauth.init_app(app)
    oauth.register(
        "x",
        client_id=os.environ["X_CLIENT_ID"],
        client_secret=os.environ["X_CLIENT_SECRET"],
        authorize_url=os.environ["X_AUTHORIZE_URL"],
        access_token_url=f"{os.environ['X_API_URL']}/2/oauth2/token",
        client_kwargs={"scope": "tweet.write users.read", "code_challenge_method": "S256"},
    )
    app.register_blueprint(site)
    return app


@login_manager.user_loader  # type: ignore[untyped-decorator]
def _load(user_id: str) -> User | None:
    return db.session.get(User, int(user_id))


@site.get("/")
def index() -> str:
    """Show the form, or how to sign in."""
    return render_template_string(PAGE, user=current_user, form=TweetForm())


@site.get("/login/x")
def login() -> ResponseReturnValue:
    """Send the person to X's consent page."""
    return oauth.x.authorize_redirect(url_for("site.callback", _external=True))


@site.get("/login/x/callback")
def callback() -> ResponseReturnValue:
    """Sign in whom X names."""
    token = oauth.x.authorize_access_token()["access_token"]
    me = requests.get(
        f"{os.environ['X_API_URL']}/2/users/me",
        headers={"Authorization": f"Bearer {token}"},
        timeout=15,
    ).json()["data"]
    user = db.session.scalar(db.select(User).where(User.remote_id == me["id"]))
    if user is None:
        user = User(remote_id=me["id"])
        db.session.add(user)
    user.handle, user.access_token = me["username"], token
    db.session.commit()
    login_user(user)
    return redirect(url_for("site.index"))


@site.post("/tweets")
@login_required  # type: ignore[untyped-decorator]
def create() -> ResponseReturnValue:
    """Store a tweet and leave it to Celery."""
    form = TweetForm()
    if not form.validate_on_submit():
        return jsonify(errors=form.errors), 422
    due_at = form.when.data.replace(tzinfo=UTC) if form.when.data else datetime.now(UTC)
    tweet = Tweet(
        user_id=current_user.id, job_id=str(uuid.uuid4()), text=form.text.data, due_at=due_at
    )
    db.session.add(tweet)
    db.session.commit()
    publish.apply_async((tweet.id,), task_id=tweet.job_id, eta=due_at if form.when.data else None)
    job_id = tweet.job_id
    return jsonify(job_id=job_id, status_url=url_for("site.status", job_id=job_id)), 202


@site.get("/status/<job_id>")
@login_required  # type: ignore[untyped-decorator]
def status(job_id: str) -> ResponseReturnValue:
    """Say what became of the user's own tweet, as Celery knows it."""
    query = db.select(Tweet.id).where(Tweet.job_id == job_id, Tweet.user_id == current_user.id)
    if db.session.scalar(query) is None:
        abort(404)
    result = AsyncResult(job_id, app=celery)
    return jsonify(job_id=job_id, status=result.state, remote_id=result.result)
