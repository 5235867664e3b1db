"""A mail server that keeps what it is given, on a port of its own, and shows it on a page."""

from sandbox.mail.mailbox import Mailbox
from sandbox.mail.pages import make_mail_pages
from sandbox.mail.server import MailServer

__all__ = ["MailServer", "Mailbox", "make_mail_pages"]
