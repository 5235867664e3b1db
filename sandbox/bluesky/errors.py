"""Bluesky's refusals: statuses, words and bodies (docs: AT Protocol errors)."""

from flask import Response, jsonify

WORDS = {
    400: ("InvalidRequest", "Invalid Request"),
    401: ("AuthenticationRequired", "Authentication Required"),
    402: ("PaymentRequired", "Payment Required"),
    403: ("Forbidden", "Forbidden"),
    404: ("XRPCNotSupported", "XRPCNotSupported"),
    413: ("PayloadTooLarge", "request entity too large"),
    429: ("RateLimitExceeded", "Rate Limit Exceeded"),
    500: ("InternalServerError", "Internal Server Error"),
    501: ("MethodNotImplemented", "Method Not Implemented"),
    502: ("UpstreamFailure", "Upstream Failure"),
    503: ("NotEnoughResources", "Not Enough Resources"),
    504: ("UpstreamTimeout", "Upstream Timeout"),
}


class XrpcError(Exception):
    """A refusal to answer with."""

    def __init__(self, status: int, word: str, message: str) -> None:
        super().__init__(f"{status} {word}: {message}")
        self.status = status
        self.word = word
        self.message = message

    def answer(self) -> Response:
        """The refusal as it goes over the wire."""
        answer = jsonify(error=self.word, message=self.message)
        answer.status_code = self.status
        return answer


def plain(status: int, message: str | None = None) -> XrpcError:
    """What most statuses say."""
    word, usual = WORDS.get(status, ("Unknown", "Unknown"))
    return XrpcError(status, word, message or usual)


def say(status: int, detail: str | None) -> Response:
    """An HTTP status in the words of the protocol."""
    return plain(status, detail).answer()


def invalid(message: str) -> XrpcError:
    """400: something that was sent cannot be used."""
    return plain(400, message)


def bad_token(message: str = "Token could not be verified") -> XrpcError:
    """400: not a token of ours, or of the wrong kind."""
    return XrpcError(400, "InvalidToken", message)


def expired(message: str = "Token has expired") -> XrpcError:
    """400: a token that is over."""
    return XrpcError(400, "ExpiredToken", message)


def missing_token() -> XrpcError:
    """401: no Authorization header."""
    return XrpcError(401, "AuthMissing", "Authentication Required")


def no_record(uri: str) -> XrpcError:
    """400: the repository has no such record."""
    return XrpcError(400, "RecordNotFound", f"Could not locate record: {uri}")


def no_blob(cid: str) -> XrpcError:
    """400: a picture that was never uploaded, or was dropped since."""
    return XrpcError(400, "BlobNotFound", f"Could not find blob: {cid}")
