"""What ``celery -A celery_app worker`` starts."""

from app import create_app

app = celery = create_app(serves_pages=False).extensions["celery"]
