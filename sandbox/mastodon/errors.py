"""Mastodon's refusals: one sentence each, in the language of the server."""

from flask import Response, json

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "invalid_token": "The access token is invalid",
        "revoked_token": "The access token was revoked",
        "no_person": "This method requires an authenticated user",
        "scope": "This action is outside the authorized scopes",
        "forbidden": "This action is not allowed",
        "not_found": "Record not found",
        "too_many": "Too many requests",
        "busy": "There was a temporary problem serving your request, please try again",
        "processing": "Cannot attach files that have not finished processing. "
        "Try again in a moment!",
        "too_many_files": "Cannot attach more than {limit} files",
        "media_gone": "Media {ids} not found or already attached to another post",
        "mixed": "Cannot attach a video to a post that already contains images",
        "blank": "Validation failed: Text can't be blank",
        "too_long": "Validation failed: Text character limit of {limit} exceeded",
        "bad_file": "Validation failed: File content type is invalid",
        "large_file": "Validation failed: File file size must be less than {limit} bytes",
        "no_file": "Validation failed: File can't be blank",
        "long_description": "Validation failed: Description is too long (maximum is 1500 "
        "characters)",
        "failed_media": "Error processing thumbnail for uploaded media",
        "bad_value": "Validation failed: {name} is not included in the list",
        "bad_body": "Error occurred while parsing request parameters",
        "unsupported": "This is not played by the sandbox: {name}",
    },
    "de": {
        "invalid_token": "Der Zugriffs-Token ist ungültig",
        "revoked_token": "Der Zugriffs-Token wurde widerrufen",
        "no_person": "Für diese Methode ist eine Anmeldung erforderlich",
        "scope": "Diese Aktion liegt außerhalb der genehmigten Bereiche",
        "forbidden": "Diese Aktion ist nicht erlaubt",
        "not_found": "Eintrag nicht gefunden",
        "too_many": "Zu viele Anfragen",
        "busy": "Die Anfrage konnte gerade nicht bearbeitet werden, bitte erneut versuchen",
        "processing": "Dateien, die noch verarbeitet werden, können nicht angehängt werden",
        "too_many_files": "Mehr als {limit} Dateien können nicht angehängt werden",
        "media_gone": "Medien {ids} nicht gefunden oder schon an einem anderen Beitrag",
        "mixed": "Ein Video kann nicht an einen Beitrag mit Bildern angehängt werden",
        "blank": "Überprüfung fehlgeschlagen: Text darf nicht leer sein",
        "too_long": "Überprüfung fehlgeschlagen: Text ist länger als {limit} Zeichen",
        "bad_file": "Überprüfung fehlgeschlagen: Die Art der Datei ist ungültig",
        "large_file": "Überprüfung fehlgeschlagen: Die Datei ist größer als {limit} Bytes",
        "no_file": "Überprüfung fehlgeschlagen: Die Datei fehlt",
        "long_description": "Überprüfung fehlgeschlagen: Die Beschreibung ist zu lang",
        "failed_media": "Die Vorschau konnte nicht erzeugt werden",
        "bad_value": "Überprüfung fehlgeschlagen: {name} ist kein gültiger Wert",
        "bad_body": "Die Anfrage konnte nicht gelesen werden",
        "unsupported": "Das spielt die Sandbox nicht: {name}",
    },
}
PLAIN = {403: "forbidden", 404: "not_found", 429: "too_many", 400: "bad_body", 405: "not_found"}


class MastodonError(Exception):
    """A refusal to answer with; ``word`` is a key of WORDS."""

    def __init__(self, status: int, word: str, **facts: object) -> None:
        super().__init__(f"{status} {word}")
        self.status = status
        self.word = word
        self.facts = facts

    def answer(self, language: str) -> Response:
        """The refusal as HTTP."""
        words = WORDS[language][self.word].format(**self.facts)
        return error_answer(self.status, {"error": words})


class OAuthError(Exception):
    """A refusal of the token endpoint or of app registration, which is never translated.

    Without an error it has no body.
    """

    def __init__(self, status: int, error: str = "", description: str = "") -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.body = {"error": error, "error_description": description} if error else None

    def answer(self) -> Response:
        """The refusal as HTTP."""
        if self.body is None:
            return Response(status=self.status)
        return error_answer(self.status, self.body)


def plain(status: int) -> MastodonError:
    """An HTTP status in Mastodon's words."""
    return MastodonError(status, PLAIN.get(status, "busy" if status >= 500 else "bad_body"))


def error_answer(status: int, body: object) -> Response:
    """An answer in JSON."""
    return Response(json.dumps(body), status, mimetype="application/json")
