"""A database with very many rows in every large table, written inside SQL."""

from __future__ import annotations

import psycopg

LARGE = (
    "accounts",
    "attempts",
    "audit_events",
    "deliveries",
    "interest_states",
    "pending_connections",
    "picture_files",
    "pictures",
    "tweet_counts",
    "tweets",
    "uploads",
    "user_sessions",
    "users",
)
"""Tables that grow with the people and what they write."""
FILL = """
INSERT INTO users (id, timezone, locale, late_tolerance, created_at)
SELECT n, 'UTC', 'en', 21600, 0 FROM generate_series(1, {people}) AS n;

INSERT INTO accounts (id, user_id, network, server, host, remote_id, handle, display_name, health,
    credentials, credentials_version, credentials_stale, pauses, created_at, avatar_url, avatar_at,
    limits_at, access_end_asked_at, connected, last_error)
SELECT n, n, CASE n % 2 WHEN 0 THEN 'x' ELSE 'mastodon' END,
    CASE n % 2 WHEN 0 THEN '' ELSE 's' || n % 50 || '.test' END, 's' || n % 50 || '.test',
    n, 'h' || n, 'H', CASE WHEN n % 100 = 0 THEN 'reconnect' ELSE 'ok' END,
    '', 1, false, 0, 0, 'https://avatars.test/', {now}, {now}, {now}, n % 100 <> 0, NULL
FROM generate_series(1, {people}) AS n;

INSERT INTO tweets (id, user_id, text, due_at, created_at, parts)
SELECT n, 1 + n % {people}, 'tweet ' || n, {now} + 86400000 + n, 0, '[]'
FROM generate_series(1, {tweets}) AS n;

INSERT INTO deliveries (id, tweet_id, account_id, state, hold_reason, due_at, not_before, next_at,
    finished_at, accepted_at, remote_id, fence, rings, attempts, tries, refusals, lookups, resends,
    echoed, created_at, parts)
SELECT gen_random_uuid(), id, 1 + id % {people}, state,
    CASE WHEN state = 'held' THEN 'reconnect' END, due_at, due_at,
    CASE state WHEN 'scheduled' THEN due_at END, CASE state WHEN 'published' THEN {now} END,
    CASE state WHEN 'published' THEN {now} END, CASE state WHEN 'published' THEN 'r' || id END,
    0, 0, 0, 0, 0, 0, 0, false, 0, NULL
FROM (SELECT *, CASE WHEN id % 10 = 0 THEN 'published'
    WHEN 1 + id % {people} > {people} * 0.999 THEN 'held' ELSE 'scheduled' END AS state
    FROM tweets ORDER BY id) AS written;

INSERT INTO attempts (delivery_id, fence, body, started_at, ended_at, outcome)
SELECT id, 1, '{{"text": "tweet"}}', {now}, {now}, 'accepted'
FROM deliveries WHERE state = 'published';

INSERT INTO pictures (id, user_id, created_at, state, mime, width, height, size, alt, claimed,
    next_at, tries, thumb_size)
SELECT gen_random_uuid(), 1 + n % {people}, {now}, CASE n % 3 WHEN 0 THEN 'past' ELSE 'ready' END,
    'image/jpeg', 10, 10, 1000, '', true, CASE WHEN n % 3 > 0 THEN {now} + 86400000 END, 1, 10
FROM generate_series(1, {tweets} / 5) AS n;

INSERT INTO picture_files (key, data) SELECT 'thumb/' || id, 'abc' FROM pictures;

INSERT INTO uploads (delivery_id, picture_id, reference, uploaded_at)
SELECT made.id, made.id, '{{}}', {now} FROM deliveries AS made WHERE state = 'published';

INSERT INTO user_sessions (key_hash, user_id, browser_hash, browser, zone, address, signed_in_at,
    seen_at, noticed_at)
SELECT gen_random_uuid(), 1 + n % {people}, '', '', '', '', {now}, {now}, {now}
FROM generate_series(1, {tweets} / 5) AS n;

INSERT INTO tweet_counts (user_id, counts, as_of, recount_at)
SELECT n, '{{"all": 1}}', {now}, CASE WHEN n % 10 = 0 THEN {now} + 86400000 END
FROM generate_series(1, {people}) AS n;

INSERT INTO interest_states (user_id, stale_at, changes, looks, as_of)
SELECT n, NULL, 1, 1, {now} FROM generate_series(1, {people}) AS n;

UPDATE sent_cursor SET seen_to = {now};

INSERT INTO audit_events (at, kind, user_id, network, handle, address, browser)
SELECT {now} - (n % 300) * 86400000::bigint, 'signed_in', 1 + n % {people}, 'x', '', '', ''
FROM generate_series(1, {tweets} / 5) AS n;

INSERT INTO pending_connections (id, user_id, network, opened, created_at)
SELECT gen_random_uuid(), 1 + n % {people}, 'x', '', {now}
FROM generate_series(1, {tweets} / 5) AS n;
"""


def fill(database_url: str, people: int, tweets: int) -> None:
    """Let every person have one account, and an equal share of these tweets, due tomorrow.

    Of the tweets, nine tenths wait: most are scheduled, those of some accounts are held.
    """
    with psycopg.connect(database_url) as connection:
        # Checking foreign keys that hold anyway takes longer than the rows.
        connection.execute("SET session_replication_role = replica")
        now = "(extract(epoch FROM now()) * 1000)::bigint"
        connection.execute(FILL.format(people=people, tweets=tweets, now=now).encode())
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
