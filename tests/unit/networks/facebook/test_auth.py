"""Signing in at Facebook against a server that says what the test wrote down."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.networks.base import Connection
from app.networks.errors import ConnectRefused, LookUpFailed
from app.networks.facebook.network import Facebook
from tests.support.scripted import ScriptedServer
from tests.support.waiting import free_port

CALLBACK = "https://tweet.example/login/facebook/callback"
SCOPES = ("pages_show_list", "pages_manage_posts", "pages_read_engagement")
SHORT = (200, {"access_token": "short", "token_type": "bearer", "expires_in": 5000})
LONG = (200, {"access_token": "long", "token_type": "bearer", "expires_in": 5183944})
GRANTED = (200, {"data": [{"permission": scope, "status": "granted"} for scope in SCOPES]})
ANA = (200, {"id": "1022033044"})


ISSUERS = [
    "", "null", "facebook", "//www.facebook.com", "http://www.facebook.com",
    "https://evil.example", "https://www.facebook.com.evil.example", "https://facebook.com",
    "https://www.facebook.com@evil.example", "https://evil.example#https://www.facebook.com",
    "https://ana@www.facebook.com", "https://www.facebook.com:444", "https://www.facebook.com:99999",
    "https://[::1", "https://evil.example/\ud800", "\x00",
]  # fmt: skip


@pytest.fixture
def facebook(scripted: ScriptedServer) -> Facebook:
    """Facebook at the scripted server."""
    return facebook_at(scripted.url)


def facebook_at(url: str) -> Facebook:
    """Return Facebook at this address."""
    return Facebook(
        {
            "FACEBOOK_CLIENT_ID": "my id",
            "FACEBOOK_CLIENT_SECRET": "my secret",
            "FACEBOOK_GRAPH_URL": f"{url}/v25.0",
            "FACEBOOK_DIALOG_URL": "https://www.facebook.com/v25.0/dialog/oauth",
            "SEND_TIMEOUT": 15.0,
            "SANDBOX": (),
        }
    )


def page(number: int, **more: Any) -> dict[str, Any]:
    """Return a Page as Facebook lists it."""
    return {
        "id": str(number),
        "name": f"Page {number}",
        "username": f"page{number}",
        "access_token": f"token {number}",
        "tasks": ["ANALYZE", "CREATE_CONTENT"],
        **more,
    }


def finish(facebook: Facebook, **callback: str) -> list[Connection]:
    """Come back from the dialog."""
    memory = facebook.begin({}, CALLBACK).memory
    back = {"code": "AQcode", "state": memory["state"], **callback}
    return facebook.finish(memory, back, CALLBACK)


def refusal(facebook: Facebook, **callback: str) -> tuple[str, str]:
    """Come back in vain; return the code and the detail."""
    with pytest.raises(ConnectRefused) as refused:
        finish(facebook, **callback)
    return refused.value.code, refused.value.detail


def test_the_dialog_is_asked_for_what_we_need(facebook: Facebook) -> None:
    """Each visit has a state of its own, and nothing else is remembered."""
    consents = [facebook.begin({}, CALLBACK) for _ in range(2)]
    states = [consent.memory.pop("state") for consent in consents]
    assert len(set(states)) == 2
    assert [consent.memory for consent in consents] == [{}, {}]
    address = urlsplit(consents[0].url)
    assert address.netloc == "www.facebook.com"
    assert parse_qs(address.query) == {
        "client_id": ["my id"],
        "redirect_uri": [CALLBACK],
        "state": [states[0]],
        "response_type": ["code"],
        "scope": [",".join(SCOPES)],
        "auth_type": ["rerequest"],
    }


def test_all_pages_of_the_list_are_read(scripted: ScriptedServer, facebook: Facebook) -> None:
    """The cursor is followed with our own address, never the link that Facebook gives."""
    more = {"cursors": {"after": "c1"}, "next": "http://evil.example/?access_token=long"}
    scripted.answers = [
        SHORT,
        LONG,
        GRANTED,
        ANA,
        (200, {"data": [page(1), page(2, tasks=["ANALYZE"])], "paging": more}),
        (200, {"data": [page(3, username=None)], "paging": {"cursors": {"after": "c2"}}}),
    ]
    connections = finish(facebook)
    assert [c.profile.remote_id for c in connections] == ["1", "3"]
    assert [c.profile.handle for c in connections] == ["page1", "3"]
    assert [c.profile.person_id for c in connections] == ["1022033044"] * 2
    assert parse_qs(urlsplit(scripted.seen[3].path).query)["fields"] == ["id"]
    token, person = "token 1", "long"
    kept = {"access_token": token, "page_id": "1", "person_token": person}
    assert connections[0].credentials == kept
    assert [urlsplit(seen.path).path for seen in scripted.seen] == [
        "/v25.0/oauth/access_token",
        "/v25.0/oauth/access_token",
        "/v25.0/me/permissions",
        "/v25.0/me",
        "/v25.0/me/accounts",
        "/v25.0/me/accounts",
    ]
    proof = hmac.new(b"my secret", b"long", hashlib.sha256).hexdigest()
    for seen in scripted.seen[2:]:
        assert parse_qs(urlsplit(seen.path).query)["appsecret_proof"] == [proof]
        assert seen.headers["Authorization"] == "Bearer long"
    assert parse_qs(urlsplit(scripted.seen[5].path).query)["after"] == ["c1"]


def test_no_secret_stands_in_an_address(scripted: ScriptedServer, facebook: Facebook) -> None:
    """Addresses end in logs: secret, code and tokens travel in forms and headers."""
    scripted.answers = [SHORT, LONG, GRANTED, ANA, (200, {"data": [page(1)]})]
    finish(facebook)
    exchanges, later = scripted.seen[:2], scripted.seen[2:]
    assert [(seen.method, seen.path) for seen in exchanges] == [
        ("POST", "/v25.0/oauth/access_token")
    ] * 2
    first, second = (parse_qs(seen.body.decode()) for seen in exchanges)
    app = {"client_id": ["my id"], "client_secret": ["my secret"]}
    assert first == app | {"redirect_uri": [CALLBACK], "code": ["AQcode"]}
    assert second == app | {"grant_type": ["fb_exchange_token"], "fb_exchange_token": ["short"]}
    assert not [seen for seen in later if "secret=" in seen.path or "token=" in seen.path]


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_that_takes_no_forms(
    scripted: ScriptedServer, facebook: Facebook, status: int
) -> None:
    """Facebook describes the exchanges with everything in the address, so that is tried as well."""
    scripted.answers = [(status, ""), SHORT, (status, ""), LONG, GRANTED, ANA]
    scripted.answers = [*scripted.answers, (200, {"data": [page(1)]})]
    assert [c.profile.remote_id for c in finish(facebook)] == ["1"]
    assert [seen.method for seen in scripted.seen[:4]] == ["POST", "GET"] * 2
    assert parse_qs(urlsplit(scripted.seen[1].path).query)["client_secret"] == ["my secret"]


@pytest.mark.parametrize("told", [{}, {"id": ""}, {"id": None}, {"id": True}, {"id": ["7"]},
                                  {"id": "a b"}, {"id": "7\x00"}, {"id": "7" * 101}])  # fmt: skip
def test_a_person_without_a_name_of_their_own(
    scripted: ScriptedServer, facebook: Facebook, told: Any
) -> None:
    """Several people may publish on one Page: without the person nobody is let in."""
    scripted.answers = [SHORT, LONG, GRANTED, (200, told), (200, {"data": [page(1)]})]
    assert refusal(facebook) == ("refused", "no_person")


@pytest.mark.parametrize("issuer", ISSUERS)
def test_a_callback_of_another_server(
    scripted: ScriptedServer, facebook: Facebook, issuer: str
) -> None:
    """A callback whose sender is not Facebook is refused before the code is used."""
    assert refusal(facebook, iss=issuer) == ("refused", "another_issuer")
    assert refusal(facebook, iss=issuer, error="access_denied") == ("refused", "another_issuer")
    assert scripted.seen == []


@pytest.mark.parametrize("path", ["", "/", "/v25.0/dialog/oauth"])
def test_a_callback_that_names_facebook(
    scripted: ScriptedServer, facebook: Facebook, path: str
) -> None:
    """The origin of its own dialog, or of its API, is Facebook."""
    for issuer in (f"https://www.facebook.com{path}", f"https://WWW.facebook.com:443{path}"):
        assert refusal(facebook, iss=issuer, error="access_denied")[0] == "denied"
    assert refusal(facebook, iss=f"{scripted.url}{path}", error="access_denied")[0] == "denied"


@pytest.mark.parametrize(
    "onward",
    ["after=c1", "offset=25&limit=25", "__paging_token=c1&until=5&access_token=long"],
)
def test_a_list_that_names_no_cursor(
    scripted: ScriptedServer, facebook: Facebook, onward: str
) -> None:
    """The address of the next page tells how to ask for it; host and tokens in it are not used."""
    link = f"http://evil.example/v25.0/me/accounts?appsecret_proof=x&{onward}"
    pages = (200, {"data": [page(1)], "paging": {"next": link}})
    scripted.answers = [SHORT, LONG, GRANTED, ANA, pages, (200, {"data": [page(2)]})]
    assert [c.profile.remote_id for c in finish(facebook)] == ["1", "2"]
    asked = parse_qs(urlsplit(scripted.seen[-1].path).query)
    wanted = {name: [v[0]] for name, v in parse_qs(onward).items() if name != "access_token"}
    assert asked | wanted == asked
    assert "access_token" not in asked
    assert asked["appsecret_proof"] != ["x"]


@pytest.mark.parametrize("state", ["", "other", "ß", "\ud800"])
def test_a_callback_of_somebody_else(
    scripted: ScriptedServer, facebook: Facebook, state: str
) -> None:
    """Without the state of this browser nothing is asked, not even after a refusal."""
    assert refusal(facebook, state=state)[0] == "stale"
    assert refusal(facebook, state=state, error="access_denied")[0] == "stale"
    with pytest.raises(ConnectRefused, match="stale"):
        facebook.finish({}, {"code": "AQcode", "state": ""}, CALLBACK)
    assert scripted.seen == []


def test_what_the_dialog_said(scripted: ScriptedServer, facebook: Facebook) -> None:
    """No is no; anything else is told as it is."""
    words = "Permissions error"
    denied = refusal(facebook, error="access_denied", error_description=words, code="")
    assert denied == ("denied", words)
    assert refusal(facebook, error="server_error") == ("refused", "server_error")
    assert refusal(facebook, code="") == ("refused", "")
    assert scripted.seen == []


def error(code: Any, subcode: int | None = None, message: str = "no") -> dict[str, Any]:
    """Return Facebook's error object."""
    return {"error": {"message": message, "code": code, "error_subcode": subcode}}


@pytest.mark.parametrize("before", [[], [SHORT]])
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((400, error(100, 36009, "This authorization code has been used.")), "stale"),
        ((400, error(100, 36007)), "stale"),
        ((400, error(1, None, "Error validating client secret.")), "app_refused"),
        ((400, error(101)), "app_refused"),
        ((400, error(190, 463)), "refused"),
    ],
)
def test_refused_exchanges(
    scripted: ScriptedServer, facebook: Facebook, before: Any, answer: Any, code: str
) -> None:
    """A spent code asks for another visit; an unknown app is its operator's matter."""
    scripted.answers = [*before, answer]
    assert refusal(facebook)[0] == code


@pytest.mark.parametrize(
    "before",
    [[], [SHORT], [SHORT, LONG], [SHORT, LONG, GRANTED], [SHORT, LONG, GRANTED, ANA]],
)
@pytest.mark.parametrize(
    "answer",
    [
        (500, error(2)),
        (503, "<html>"),
        (200, "<html>"),
        (200, '{"data": ['),
        (200, []),
        (200, {}),
        (200, {"data": "x", "access_token": 7}),
        (200, {"data": [7], "access_token": ""}),
        (302, ""),
        (429, ""),
        (400, "<html>"),
    ],
)
def test_no_usable_answer(
    scripted: ScriptedServer, facebook: Facebook, before: Any, answer: Any
) -> None:
    """At each step: nobody is to blame, try again later."""
    scripted.answers = [*before, answer]
    unclear = LookUpFailed
    if len(before) == 3 and answer[0] == 200 and isinstance(answer[1], dict):
        unclear = ConnectRefused  # an answer that names nobody
    with pytest.raises(unclear):
        finish(facebook)
    assert len(scripted.seen) == len(before) + 1


def test_nobody_listens() -> None:
    """The reason tells neither the secret nor the code."""
    with pytest.raises(LookUpFailed) as failed:
        finish(facebook_at(f"http://127.0.0.1:{free_port()}"))
    assert "secret" not in str(failed.value)
    assert failed.value.__cause__ is None


@pytest.mark.parametrize("status", ["declined", "expired", ""])
def test_permissions_that_were_not_granted(
    scripted: ScriptedServer, facebook: Facebook, status: str
) -> None:
    """All three are needed; those that are missing are named."""
    data = [{"permission": SCOPES[0], "status": "granted"}]
    data.append({"permission": SCOPES[1], "status": status})
    scripted.answers = [SHORT, LONG, (200, {"data": data})]
    missing = "pages_manage_posts, pages_read_engagement"
    assert refusal(facebook) == ("scope_missing", missing)


@pytest.mark.parametrize(
    "pages",
    [[], [page(1, tasks=["ANALYZE"])], [page(1, tasks=None)], [page(1, access_token=None)]],
)
def test_no_page_to_publish_on(
    scripted: ScriptedServer, facebook: Facebook, pages: list[Any]
) -> None:
    """A person without a Page of their own has nothing to connect."""
    scripted.answers = [SHORT, LONG, GRANTED, ANA, (200, {"data": pages})]
    assert refusal(facebook)[0] == "no_pages"


def test_a_list_without_end(scripted: ScriptedServer, facebook: Facebook) -> None:
    """We stop reading at some point."""
    more = {"cursors": {"after": "c"}, "next": "on"}
    scripted.answers = [
        SHORT,
        LONG,
        GRANTED,
        ANA,
        *[(200, {"data": [page(1)], "paging": more})] * 99,
    ]
    with pytest.raises(LookUpFailed, match="no end"):
        finish(facebook)


def test_revoking(scripted: ScriptedServer, facebook: Facebook) -> None:
    """The person's own token takes back what it was given; a Page's token of before cannot."""
    page_alone = {"access_token": "token 1", "page_id": "1"}
    assert facebook.revoke(page_alone)
    assert scripted.seen == []
    scripted.answers = [(200, {"success": True}), (400, {"error": {"code": 190}})]
    for _ in range(2):
        assert facebook.revoke({**page_alone, "person_token": "long"})
    seen = scripted.seen[0]
    assert (seen.method, seen.path.partition("?")[0]) == ("DELETE", "/v25.0/me/permissions")
    assert seen.headers["Authorization"] == "Bearer long"


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ({"expires_at": 0, "data_access_expires_at": 1_800_000_000}, 1_800_000_000),
        ({"expires_at": 1_790_000_000, "data_access_expires_at": 1_800_000_000}, 1_790_000_000),
        ({"expires_at": 0, "data_access_expires_at": 0}, None),
        ({"data_access_expires_at": "soon"}, None),
        ({"app_id": "another", "data_access_expires_at": 1_800_000_000}, None),
    ],
)
def test_when_access_ends(
    facebook: Facebook, scripted: ScriptedServer, said: dict[str, Any], end: float | None
) -> None:
    """The earlier of the token's end and that of what it opens; only of our own tokens."""
    scripted.answers = [(200, {"data": {"app_id": "my id", **said}})]
    assert facebook.ask_access_end({"access_token": "page", "page_id": "1"}) == end
    (seen,) = scripted.seen
    assert seen.path.startswith("/v25.0/debug_token")


def test_nobody_says_when_access_ends(facebook: Facebook, scripted: ScriptedServer) -> None:
    """An answer that says nothing is none."""
    scripted.answers = [(500, {}), (200, {"data": []})]
    for _ in range(2):
        with pytest.raises(LookUpFailed):
            facebook.ask_access_end({"access_token": "page", "page_id": "1"})
