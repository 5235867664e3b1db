"""Pages that every network of the sandbox has."""

import io
from datetime import UTC, datetime

from flask import Blueprint, Response, render_template
from PIL import Image, ImageDraw, ImageFont

AVATAR_SIDE = 128
COLOURS = ("#0b6bcb", "#9a3d00", "#1f7a3f", "#7a3fb0", "#a61b4b", "#4a5b6c")


def add_elsewhere(routes: Blueprint) -> None:
    """Add the page that a redirecting fault leads to."""

    @routes.get("/i/elsewhere")
    def elsewhere() -> str:
        detail = "A fault sent the caller here. Nothing was posted by following it."
        return render_template("problem.html", title="Elsewhere", detail=detail)


def add_avatars(routes: Blueprint) -> None:
    """Add a drawn avatar for every handle."""

    @routes.get("/i/avatar/<handle>.png")
    def avatar(handle: str) -> Response:
        return drawn_avatar(handle)


def drawn_avatar(handle: str) -> Response:
    """Draw a handle's first letter on a colour of its own."""
    colour = COLOURS[sum(map(ord, handle)) % len(COLOURS)]
    picture = Image.new("RGB", (AVATAR_SIDE, AVATAR_SIDE), colour)
    middle, font = (AVATAR_SIDE / 2, AVATAR_SIDE / 2), ImageFont.load_default(AVATAR_SIDE / 2)
    ImageDraw.Draw(picture).text(middle, handle[0].upper(), "white", font, anchor="mm")
    out = io.BytesIO()
    picture.save(out, "PNG")
    return Response(out.getvalue(), mimetype="image/png")


def moment(seconds: float) -> str:
    """Epoch seconds as people read them."""
    return f"{datetime.fromtimestamp(seconds, UTC):%d %b %Y, %H:%M:%S} UTC"
