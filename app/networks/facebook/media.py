"""Pictures on their way to a Page."""

from __future__ import annotations

from app.networks.base import Credentials, Picture
from app.networks.facebook.client import Graph
from app.networks.facebook.responses import outcome_of
from app.networks.oauth import token_of
from app.networks.responses import id_in, upload_error


def upload(graph: Graph, credentials: Credentials, picture: Picture) -> dict[str, str]:
    """Store a picture without publishing it; doing it twice does no harm.

    :raises UploadRefused: Facebook does not take it.
    :raises LookUpFailed: try again later.
    :raises TokenRefused: the token or a permission is dead.
    """
    form = {"published": "false"}
    if picture.alt:
        form["alt_text_custom"] = picture.alt
    name = f"picture.{picture.mime.rpartition('/')[2]}"
    response = graph.ask(
        "POST",
        f"{credentials['page_id']}/photos",
        token=token_of(credentials),
        data=form,
        files={"source": (name, picture.data, picture.mime)},
    )
    photo_id = id_in(response.data) if response.status == 200 else None
    if photo_id is None:
        outcome = outcome_of(response)
        raise upload_error(outcome, outcome.code or "rejected")
    return {"media_fbid": photo_id}
