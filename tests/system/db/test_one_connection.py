"""A request needs one connection: with two, threads would wait for each other's second one."""

from __future__ import annotations

from tests.support.visitor import Visitor

PAGES = ("/", "/tweets", "/accounts", "/settings", "/settings/sessions", "/operations/overview")
PAGES += ("/operations/queues", "/operations/workers", "/operations/periodic", "/operations/failed")


def test_no_page_takes_a_second_connection(make_world, postgres_url) -> None:  # type: ignore[no-untyped-def]
    """With a pool of one, every page answers as usual, and so does writing."""
    world = make_world(postgres_url, FIRST_USER_ROLE="operator")
    visitor = Visitor(world.start_web(DATABASE_POOL_SIZE="1"))
    assert visitor.sign_in("ana").status_code == 200
    made = visitor.post("/tweets", text="with one connection", when="in 3 hours")
    assert made.status_code == 202
    answers = {path: visitor.get(path).status_code for path in (*PAGES, "/healthz")}
    assert {answers.pop("/healthz")} <= {200, 503}  # there is no worker
    assert set(answers.values()) == {200}, answers
