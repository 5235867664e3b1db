"""Rate limits and the headers that tell of them."""

import time


def test_headers_on_every_answer(sandbox, ana):
    """Accepted and refused creates count down the same window."""
    first, second = sandbox.create(ana, "One"), sandbox.create(ana, "")
    assert (first.status_code, second.status_code) == (201, 400)
    assert first.headers["x-rate-limit-limit"] == "100"
    assert first.headers["x-rate-limit-remaining"] == "99"
    assert second.headers["x-rate-limit-remaining"] == "98"
    assert 890 <= int(first.headers["x-rate-limit-reset"]) - time.time() <= 901
    assert "x-user-limit-24hour-limit" not in first.headers


def test_short_window(sandbox, ana):
    """Above the limit there is a 429 for that account until the window ends."""
    sandbox.control("settings", limits={"create": 2}, limit_window=60)
    assert [sandbox.create(ana, f"n{n}").status_code for n in range(3)] == [201, 201, 429]
    assert sandbox.create(sandbox.mint("ben"), "Mine").status_code == 201
    sandbox.control("settings", clock_offset=61)
    assert sandbox.create(ana, "Again").status_code == 201


def test_daily_allowances(sandbox, ana):
    """The user's day empties for one account, the app's for all, beside an open short window."""
    sandbox.control("settings", user_day_limit=1, app_day_limit=2)
    assert sandbox.create(ana, "One").status_code == 201
    refused = sandbox.create(ana, "Two")
    assert refused.status_code == 429
    assert refused.headers["x-user-limit-24hour-remaining"] == "0"
    assert refused.headers["x-app-limit-24hour-remaining"] == "1"
    assert int(refused.headers["x-rate-limit-remaining"]) > 0
    assert sandbox.create(sandbox.mint("ben"), "Three").status_code == 201
    everybody = sandbox.create(sandbox.mint("chidi"), "Four")
    assert everybody.status_code == 429
    assert everybody.headers["x-app-limit-24hour-remaining"] == "0"
