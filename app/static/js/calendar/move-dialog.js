/* "Move to…": asks for a time within the calendar; without scripts the link leads to a page. */
import { $ } from "../shared/jquery.js";
import { templateOf } from "../shared/page.js";
import { refusalOf } from "../shared/server.js";
import { explain, focusOn, move } from "./moving.js";

const MINUTE = "2026-11-01T09:00".length;

function isMistyped(response) {
  return response.status === 422 && refusalOf(response);
}

/* Send the time; what was typed wrong is said beside it. */
function send($dialog, due) {
  const $when = $dialog.find("input");
  const $button = $dialog.find(".btn-primary").prop("disabled", true);
  $when.removeAttr("aria-invalid");
  $dialog.find(".field-error").empty();
  move(due, $when.val().replace("T", " "))
    .always(() => $button.prop("disabled", false))
    .then(
      () => {
        $dialog[0].close();
        focusOn(due.dataset.tweetId); // nothing outside of an open dialog takes it
      },
      (response) => {
        if (isMistyped(response)) {
          $dialog.find(".field-error").text(refusalOf(response).message);
          $when.attr("aria-invalid", "true").trigger("focus");
        } else {
          $dialog[0].close();
          explain(due, response);
        }
      },
    );
}

function open(event) {
  const due = event.currentTarget.closest("[data-tweet-id]");
  const dialog = templateOf("move-template").cloneNode(true).querySelector("dialog");
  const $dialog = $(dialog);
  event.preventDefault();
  $dialog.find(".own-text").text($(due).find(".due-text").text());
  $dialog.find("[data-zone]").text($("#calendar").attr("data-zone"));
  $dialog.find("input").val(due.dataset.wall.slice(0, MINUTE));
  $dialog.on("submit", (submitted) => {
    submitted.preventDefault();
    send($dialog, due);
  });
  $dialog.on("click", "[data-back]", () => dialog.close());
  $dialog.on("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

export function startMoveDialog() {
  $("#calendar").on("click", "[data-move]", open);
}
