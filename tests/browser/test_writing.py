"""Writing and changing in a real browser: parts with pictures, variants in parts, what failed."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_accounts import with_three_accounts
from tests.browser.test_look import WIDTHS, assert_accessible, assert_fits
from tests.browser.test_pictures import photo
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.browser


def choose(page: Page, group: str, *names: str) -> Locator:
    """Add photos to this group of pictures; return its items, once they are ready."""
    field = page.get_by_role("group", name=group, exact=True)
    with page.expect_file_chooser() as chooser:
        field.get_by_role("button", name="Add pictures").click()
    chooser.value.set_files([photo(name) for name in names])
    items = field.get_by_role("listitem")
    expect(items.last).to_have_attribute("data-state", "ready")
    return items


def card(page: Page, text: str) -> Locator:
    """Return the card of the tweet with this text."""
    return page.get_by_role("article").filter(has_text=text)


def test_each_part_with_pictures_of_its_own(page: Page, running: World) -> None:
    """Pictures stay with their part: one before it is taken away, the page is left and reopened."""
    sign_in(page, running.site, f"p{uuid.uuid4().hex[:10]}")
    page.get_by_label("Text of the tweet").fill("Part one")
    choose(page, "Pictures", "one.jpg")
    page.get_by_label("Describe picture 1").fill("First")
    for text in ("Not this one", "Part two"):
        page.get_by_role("button", name="Add a part to the thread").click()
        page.keyboard.type(text)
    choose(page, "Pictures of part 3", "two.jpg", "three.jpg")
    last = page.get_by_role("group", name="Pictures of part 3", exact=True)
    last.get_by_label("Describe picture 2").fill("Third")
    page.get_by_role("button", name="Remove part 2").click()
    expect(page.get_by_role("group", name="Pictures of part 2", exact=True)).to_be_visible()
    page.reload()
    expect(page.locator(".picture[data-state='ready']")).to_have_count(3)
    page.locator("#submit").click()
    thumbs = card(page, "Part one").get_by_role("img")
    expect(card(page, "Part one")).to_contain_text("Published")
    expect(thumbs).to_have_count(3)
    names = ["First", "Picture 1, without a description", "Third"]
    assert [image.get_attribute("alt") for image in thumbs.all()] == names
    posts = {post["text"]: len(post["pictures"]) for post in running.sandbox.accepted()}
    assert (posts["Part one"], posts["Part two"], posts.get("Not this one")) == (1, 2, None)


def test_pictures_are_changed_on_the_edit_page(page: Page, running: World) -> None:
    """One is taken away, one described anew, one added to a new part; the card shows the rest."""
    sign_in(page, running.site, f"e{uuid.uuid4().hex[:10]}")
    page.get_by_label("Text of the tweet").fill("To be changed")
    page.get_by_label("When").first.fill("in two hours")
    choose(page, "Pictures", "one.jpg", "two.jpg")
    page.locator("#submit").click()
    card(page, "To be changed").get_by_role("link", name="Edit").click()
    page.get_by_role("button", name="Remove picture 1").click()
    page.get_by_label("Describe picture 1").fill("What is left")
    page.get_by_role("button", name="Add a part to the thread").click()
    page.keyboard.type("One more")
    choose(page, "Pictures of part 2", "three.jpg")
    page.get_by_role("button", name="Save").click()
    changed = card(page, "To be changed")
    expect(changed.get_by_role("img")).to_have_count(2)
    expect(changed.get_by_alt_text("What is left")).to_be_visible()
    expect(changed).to_contain_text("One more")


def test_a_thread_for_one_account(page: Page, running: World) -> None:
    """One disclosure for all; an account's own text may have parts, counted by its own limit."""
    handle = with_three_accounts(page, running)
    page.get_by_role("checkbox", name="Bluesky").check()
    page.get_by_label("Text of the tweet").fill(f"Shared {handle}")
    expect(page.locator("summary").filter(has_text="Different text")).to_have_count(1)
    page.get_by_text("Different text for some accounts").click()
    own = page.locator("[data-variant]").filter(has_text="Bluesky")
    expect(page.locator("[data-variant]:visible")).to_have_count(2)
    expect(own.get_by_role("button", name="Add a part")).to_be_hidden()
    own.get_by_label("Text for").fill("Own one")
    own.get_by_role("button", name="Add a part").click()
    page.keyboard.type("b" * 301)
    expect(own.locator(".counter").last).to_contain_text("1 over the limit of Bluesky")
    page.get_by_label("Part 2 of the thread").fill("Own two")
    page.reload()
    expect(page.get_by_label("Part 2 of the thread")).to_have_value("Own two")
    page.locator("#submit").click()
    expect(
        card(page, f"Shared {handle}").locator("[data-job][data-state='published']")
    ).to_have_count(2)
    posts = running.sandbox.on("bluesky").accepted()
    assert [post["text"] for post in posts][-2:] == ["Own one", "Own two"]


def test_what_failed_is_changed_and_tried_again(page: Page, running: World) -> None:
    """Refused on one account and out on the other: Edit leads to that account's text alone."""
    handle = with_three_accounts(page, running)
    page.get_by_role("checkbox", name="Mastodon").check()
    running.sandbox.on("mastodon").fault("refuse", handle=None)
    page.get_by_label("Text of the tweet").fill(f"Refused {handle}")
    page.locator("#submit").click()
    failed = card(page, f"Refused {handle}")
    expect(failed.locator("[data-job][data-state='failed']")).to_have_count(1)
    running.sandbox.on("mastodon").mend()
    failed.get_by_role("link", name="Edit").click()
    expect(page.get_by_role("heading", name="Edit for @")).to_contain_text("on Mastodon")
    assert_accessible(page)
    page.get_by_label("Text of the tweet").fill(f"Mended {handle}")
    page.get_by_role("button", name="Save and try again").click()
    mended = card(page, f"Mended {handle}")
    expect(mended.locator("[data-job][data-state='published']")).to_have_count(2)
    expect(mended).to_contain_text(f"Refused {handle}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_with_pictures_look_right(browser: Browser, running: World, scheme: str) -> None:
    """List, tweet and edit page of a thread with pictures: nothing for axe, nothing overflows."""
    context = browser.new_context(color_scheme=scheme, locale="en-GB")  # type: ignore[arg-type]
    page = context.new_page()
    sign_in(page, running.site, f"l{uuid.uuid4().hex[:10]}")
    page.get_by_label("Text of the tweet").fill("Looked at")
    page.get_by_label("When").first.fill("in two hours")
    choose(page, "Pictures", *(f"{number}.jpg" for number in range(4)))
    page.get_by_role("button", name="Add a part to the thread").click()
    choose(page, "Pictures of part 2", "one.jpg")
    page.locator("#submit").click()
    expect(card(page, "Looked at").get_by_role("img")).to_have_count(5)
    number = card(page, "Looked at").get_attribute("data-tweet")
    for path in ("/", f"/tweets/{number}", f"/tweets/{number}/edit"):
        page.goto(f"{running.site}{path}")
        assert_accessible(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert_fits(page)
    context.close()


def test_a_thread_with_pictures_without_javascript(browser: Browser, running: World) -> None:
    """Parts and their files are sent with the form; the edit page can remove and add one."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, running.site, f"n{uuid.uuid4().hex[:10]}")
    page.locator("#text").fill("Scriptless thread")
    page.locator("input[name=when]").first.fill("in one hour")
    page.get_by_role("button", name="Pictures, a thread, options…").click()
    page.locator(".more-parts > summary").click()
    page.locator(".more-parts").get_by_label("Part 2 of the thread").fill("With a picture")
    page.locator(".more-parts details > summary").first.click()
    added = page.locator(".more-parts details").first
    added.get_by_label("Picture 1", exact=True).set_input_files(photo())
    added.get_by_label("Describe picture 1").fill("A field")
    page.locator("#submit").click()
    written = card(page, "Scriptless thread")
    expect(written).to_contain_text("With a picture")
    written.get_by_role("link", name="Edit").click()
    expect(page.locator(".picture textarea")).to_have_value("A field")
    page.locator("input[name=drop-picture]").check()
    page.locator(".pictures summary").first.click()
    page.locator(".pictures").get_by_label("Picture 1", exact=True).first.set_input_files(photo())
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Edit").click()
    expect(page.locator(".picture")).to_have_count(1)
    expect(page.locator(".picture input[name=pictures]")).to_have_count(1)
    context.close()


def half_type(page: Page) -> None:
    """Open the picker, close its calendar, which opens when it likes, and delete a segment."""

    def is_half_typed() -> bool:
        page.keyboard.press("Escape")
        page.locator("#picker").press("Backspace")
        return page.locator("#when").input_value() == ""

    page.get_by_role("button", name="Pick a time").click()
    expect(page.locator("#picker")).to_be_visible()
    wait_for(is_half_typed, what="a picker that lacks a part")


def test_a_half_typed_time_never_publishes(page: Page, running: World) -> None:
    """Delete one segment of the picker, or empty the field: it says so, and nothing goes out."""
    sign_in(page, running.site, "half_person")
    page.get_by_label("Text of the tweet").fill("Not yet, please")
    half_type(page)
    expect(page.locator("#submit")).to_contain_text("Schedule")
    page.locator("#picker").press("Control+Enter")
    expect(page.locator("#when-error")).not_to_be_empty()
    page.get_by_role("button", name="In one hour").click()
    page.locator("#when").fill("")
    expect(page.locator("#submit")).to_contain_text("Schedule")
    page.locator("#text").press("Control+Enter")
    expect(page.locator("#when-error")).to_contain_text("Say when")
    expect(page.get_by_role("article")).to_have_count(0)
    page.get_by_role("radio", name="Now").check()
    expect(page.locator("#submit")).to_contain_text("Post now")
    page.locator("#text").dispatch_event(
        "keydown", {"key": "Enter", "ctrlKey": True, "isComposing": True, "bubbles": True}
    )
    expect(page.get_by_role("article")).to_have_count(0)
    page.locator("#text").press("Control+Enter")
    expect(page.get_by_role("article")).to_have_count(1)


def test_saving_never_publishes(page: Page, running: World) -> None:
    """On the edit page an emptied time is an error; "Post now" is a button of its own."""
    sign_in(page, running.site, "edit_person")
    page.get_by_label("Text of the tweet").fill("In three days")
    page.locator("#when").fill("in 3 days")
    page.locator("#submit").click()
    page.get_by_role("link", name="Edit").click()
    half_type(page)
    page.locator("#picker").press("Control+Enter")
    expect(page.locator("#when-error")).not_to_be_empty()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#when-error")).not_to_be_empty()
    page.get_by_role("button", name="Post now").click()
    expect(page.get_by_role("article")).to_contain_text("Published")
