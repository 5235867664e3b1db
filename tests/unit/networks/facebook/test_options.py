"""Options of posts on a Facebook Page: the link whose preview it shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.networks import http
from app.networks.base import Limits, OutcomeKind, Part
from app.networks.facebook import options
from app.networks.facebook.network import Facebook
from app.networks.options import OptionProblem
from tests.support.creates import created
from tests.support.facebook import FacebookSandbox

LIMITS = Limits(characters=63_206)


def test_the_chosen_link_is_previewed(facebook: FacebookSandbox, client: Facebook) -> None:
    """It stands before the first of the text, and the post is found again by its message."""
    page, now = facebook.mint("ana"), datetime.now(UTC)
    chosen = {"link": "https://example.com/chosen"}
    part = Part("See https://example.com/first", "0" * 32, now, now, options=chosen)
    body = client.body(part, {})
    assert created(client, page, body, http.boottime() + 60).kind == OutcomeKind.OK
    (post,) = facebook.state()["tweets"]
    assert post["link"] == chosen["link"]
    (seen,) = client.recent(page, page["page_id"], now, [body])
    assert seen.comparable == client.comparable(body)


def test_not_beside_pictures() -> None:
    """Pictures leave no room for a preview."""
    with pytest.raises(OptionProblem) as refusal:
        options.check({"link": "https://example.com/"}, [("Look", 1)], LIMITS)
    assert refusal.value.code == "link_with_pictures"
