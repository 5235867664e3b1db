"""The mails on a page for people, and in JSON for tests."""

from flask import Blueprint, Response, abort, jsonify, render_template, request

from sandbox.mail.mailbox import Mailbox

PAGE_LENGTH = 100
RESETS = {"control_api.POST /reset", "control.reset"}
"""What lets the network begin anew, and its mail with it."""
FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""What a stranger's HTML may do here: nothing but be looked at, and open links in new tabs."""
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)


def make_mail_pages(mailbox: Mailbox) -> Blueprint:
    """The routes of one mailbox."""
    routes = Blueprint("mail", __name__)

    @routes.get("/control/api/mails")
    def mails() -> Response:
        """Each mail in the order in which it came; ``?to=`` chooses those to one address."""
        wanted = request.args.get("to")
        found = [mail for mail in mailbox.mails() if wanted in {None, mail.to}]
        return jsonify(mails=[mail.as_json() for mail in found])

    @routes.delete("/control/api/mails")
    def clear() -> tuple[str, int]:
        mailbox.clear()
        return "", 204

    @routes.after_app_request
    def forget_with_the_rest(answer: Response) -> Response:
        if request.endpoint in RESETS:
            mailbox.clear()
        return answer

    @routes.get("/mail")
    def listed() -> str:
        return render_template("mails.html", mails=mailbox.mails()[: -PAGE_LENGTH - 1 : -1])

    @routes.get("/mail/<int:number>")
    def one(number: int) -> Response:
        mail = mailbox.find(number)
        if mail is None:
            abort(404)
        page = Response(render_template("mail.html", mail=mail))
        page.headers["Content-Security-Policy"] = PAGE_POLICY
        return page

    @routes.get("/mail/<int:number>/html")
    def html(number: int) -> Response:
        mail = mailbox.find(number)
        if mail is None:
            abort(404)
        body = f'<base target="_blank">{mail.html}'
        page = Response(body, mimetype="text/html")
        page.headers["Content-Security-Policy"] = FRAME_POLICY
        return page

    return routes
