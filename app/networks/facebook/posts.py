"""What fits into a post on a Page, the body of the call that creates it, and the call itself."""

from __future__ import annotations

from app.networks.base import Body, Credentials, Limits, Outcome, OutcomeKind, Part
from app.networks.facebook.client import Graph
from app.networks.facebook.options import link_of
from app.networks.facebook.responses import link_to, outcome_of, trace_of
from app.networks.facebook.usage import used_up_for
from app.networks.http import NoResponse, NotSent
from app.networks.oauth import token_of
from app.networks.responses import answered, id_in, unanswered

CREATED_FIELDS = "id,permalink_url,created_time"
LIMITS = Limits(
    characters=63_206,
    unit="utf16",
    pictures=10,
    picture_bytes=4_000_000,
    picture_types=("image/jpeg", "image/png", "image/gif"),
)


def body_of(part: Part) -> Body:
    """Return the JSON of ``POST /{page}/feed``. Raises ValueError for a reply to a post."""
    if part.reply_to is not None:
        raise ValueError("Facebook has no threads")
    body: Body = {"message": part.text} if part.text else {}
    if part.pictures:
        body["attached_media"] = [{"media_fbid": p["media_fbid"]} for p in part.pictures]
    elif link := link_of(part):
        body["link"] = link
    return body


async def create(
    graph: Graph, credentials: Credentials, body: Body, start_by: float, site_url: str
) -> Outcome:
    """Publish on the Page; never raises. docs/networks/facebook.md: what each response means.

    :param start_by: on http.boottime(), after which the call is not begun.
    :param site_url: of Facebook's pages.
    """
    try:
        response = await graph.send(
            "POST",
            f"{credentials.get('page_id')}/feed",
            token=token_of(credentials),
            params={"fields": CREATED_FIELDS},
            start_by=start_by,
            json=body,
        )
    except (NotSent, NoResponse) as error:
        return unanswered(error)
    remote_id = id_in(response.data) if 200 <= response.status < 300 else None
    if remote_id is None:
        return outcome_of(response)
    return answered(
        response,
        OutcomeKind.OK,
        remote_id=remote_id,
        remote_url=link_to(response.data, site_url),
        request_id=trace_of(response),
        pause_for=used_up_for(response),
    )
