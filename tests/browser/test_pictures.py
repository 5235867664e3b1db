"""Pictures in the composer, with a real browser: chosen, described, ordered, taken back."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.conftest import sign_in
from tests.support import photos
from tests.support.world import World

pytestmark = pytest.mark.browser


def file(name: str, data: bytes, mime: str = "image/jpeg") -> FilePayload:
    """Return a file as a person would choose it."""
    return {"name": name, "mimeType": mime, "buffer": data}


def photo(name: str = "photo.jpg") -> FilePayload:
    """Return a good photo."""
    return file(name, photos.photo_with_place())


def choose(page: Page, *files: FilePayload) -> None:
    """Press the button and choose these files."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add pictures").click()
    chooser.value.set_files(list(files))


def items(page: Page) -> Locator:
    """Return the pictures of the composer."""
    return page.get_by_role("group", name="Pictures").get_by_role("listitem")


def test_chosen_described_and_ordered(page: Page, running: World) -> None:
    """Two pictures become thumbnails with labelled descriptions, change places, and are sent."""
    sign_in(page, running.site, "painter")
    choose(page, photo("one.jpg"), photo("two.jpg"))
    expect(items(page)).to_have_count(2)
    expect(page.get_by_label("Describe picture 1")).to_be_focused()
    page.get_by_label("Describe picture 1").fill("The first")
    page.get_by_label("Describe picture 2").fill("The second")
    expect(items(page).locator("img")).to_have_count(2)
    for number in (0, 1):
        expect(items(page).nth(number)).to_have_attribute("data-state", "ready")
        shown = items(page).nth(number).locator("img")
        expect(shown).to_be_visible()
        assert shown.evaluate("image => image.naturalWidth") == 192
    page.get_by_role("button", name="Move picture 2 up").press("Enter")
    expect(page.get_by_label("Describe picture 1")).to_have_value("The second")
    expect(page.locator("#announcer")).to_contain_text("Now picture 1.")
    sent = page.locator("#composer").evaluate(
        "form => [...new FormData(form)].filter("
        "([name, value]) => value && /^(pictures|alt-)/.test(name))"
    )
    ids = [value for name, value in sent if name == "pictures"]
    assert [name for name, _ in sent if name == "pictures"] == ["pictures"] * 2
    assert [value for name, value in sent if name == f"alt-{ids[0]}"] == ["The second"]
    assert [value for name, value in sent if name == f"alt-{ids[1]}"] == ["The first"]


def test_refused_and_removed(page: Page, running: World) -> None:
    """A file that is no picture says so in place, is announced, is not sent, and can be removed."""
    sign_in(page, running.site, "refused_painter")
    choose(page, file("page.jpg", b"<html>no picture</html>"))
    expect(items(page)).to_contain_text("page.jpg: This is not a JPEG")
    expect(page.locator("#announcer")).to_contain_text("page.jpg")
    expect(page.locator(".picture input[name=pictures]:enabled")).to_have_count(0)
    page.get_by_role("button", name="Remove picture 1").click()
    expect(items(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Add pictures")).to_be_focused()


def test_damaged_picture(page: Page, running: World) -> None:
    """What only the worker finds out is shown at the picture, too."""
    sign_in(page, running.site, "damaged_painter")
    whole = photos.file_of(photos.noisy(300, 300))
    choose(page, file("half.jpg", whole[: len(whole) // 2]))
    expect(items(page)).to_contain_text("damaged")
    expect(items(page)).to_have_attribute("data-state", "refused")


def test_four_at_most(page: Page, running: World) -> None:
    """A fifth picture is refused with a sentence; the button says that it is enough."""
    sign_in(page, running.site, "busy_painter")
    choose(page, *(photo(f"{number}.jpg") for number in range(5)))
    expect(items(page)).to_have_count(4)
    expect(page.locator("#pictures-error")).to_contain_text("At most four pictures.")
    expect(page.get_by_role("button", name="Add pictures")).to_be_disabled()


def test_dropped(page: Page, running: World) -> None:
    """A picture that is dropped on the composer is taken like a chosen one."""
    sign_in(page, running.site, "drop_painter")
    page.evaluate(
        """data => {
          const transfer = new DataTransfer();
          const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
          transfer.items.add(new File([bytes], "dropped.jpg", {type: "image/jpeg"}));
          const how = {dataTransfer: transfer, bubbles: true, cancelable: true};
          document.querySelector("#text").dispatchEvent(new DragEvent("drop", how));
        }""",
        base64.b64encode(photos.photo_with_place()).decode(),
    )
    expect(items(page)).to_have_attribute("data-state", "ready")


def test_not_sent_while_uploading(page: Page, running: World) -> None:
    """Pressing Post during an upload sends nothing and says why."""
    sign_in(page, running.site, "hasty_painter")
    page.route("**/pictures", lambda _route: None)
    choose(page, photo())
    page.get_by_label("Text of the tweet").fill("Too early")
    page.locator("#submit").click()
    expect(page.locator("#pictures-error")).to_contain_text("Wait until")
    assert page.get_by_role("article").count() == 0


def test_published_with_its_picture(page: Page, running: World) -> None:
    """Posted with a described picture, the tweet has it, and the composer is empty again."""
    sign_in(page, running.site, "posting_painter")
    choose(page, photo())
    page.get_by_label("Describe picture 1").fill("A field")
    expect(items(page)).to_have_attribute("data-state", "ready")
    page.get_by_label("Text of the tweet").fill("With a field")
    page.locator("#submit").click()
    expect(page.get_by_role("article").filter(has_text="With a field")).to_contain_text("Published")
    expect(items(page)).to_have_count(0)
    posts = [post for post in running.sandbox.accepted() if post["text"] == "With a field"]
    assert [[picture["alt"] for picture in post["pictures"]] for post in posts] == [["A field"]]
