"""Pages that every network of the sandbox has."""

from flask import Blueprint, Response, render_template

COLOURS = ("#0b6bcb", "#9a3d00", "#1f7a3f", "#7a3fb0", "#a61b4b", "#4a5b6c")


def add_elsewhere(routes: Blueprint) -> None:
    """Add the page that a redirecting fault leads to."""

    @routes.get("/i/elsewhere")
    def elsewhere() -> str:
        detail = "A fault sent the caller here. Nothing was posted by following it."
        return render_template("problem.html", title="Elsewhere", detail=detail)


def add_avatars(routes: Blueprint) -> None:
    """Add a drawn avatar for every handle."""

    @routes.get("/i/avatar/<handle>.svg")
    def avatar(handle: str) -> Response:
        return drawn_avatar(handle)


def drawn_avatar(handle: str) -> Response:
    """Draw a handle's first letter on a colour of its own."""
    colour = COLOURS[sum(map(ord, handle)) % len(COLOURS)]
    picture = render_template("avatar.svg", letter=handle[0].upper(), colour=colour)
    return Response(picture, mimetype="image/svg+xml")
