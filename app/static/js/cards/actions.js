/* The buttons on a card, without leaving the page. Where scripts fail they are plain forms. */
import { $ } from "../shared/jquery.js";
import { NOTICE_MS, notice, noticeSignedOut } from "../shared/messages.js";
import { say } from "../shared/page.js";
import { call, refusalOf } from "../shared/server.js";
import { refresh } from "./poller.js";

function succeed($card, answer) {
  notice(answer.message ?? "", NOTICE_MS);
  return refresh($card);
}

function fail($card, response) {
  const refusal = refusalOf(response);
  if (response.status === 401) {
    noticeSignedOut();
    return;
  }
  notice(refusal?.message ?? say("notChanged"), NOTICE_MS);
  if (response.status === 409) {
    refresh($card);
  }
}

function send(event) {
  event.preventDefault();
  const $form = $(event.currentTarget);
  const $card = $form.closest("[data-tweet]");
  const $button = $form.find("button");
  if ($button.attr("aria-disabled") === "true") {
    return;
  }
  $button.attr("aria-disabled", "true");
  call("POST", $form.attr("action"), { data: $form.serialize() })
    .then(
      (answer) => succeed($card, answer),
      (response) => fail($card, response),
    )
    .always(() => $button.removeAttr("aria-disabled"));
}

export function startActions() {
  $("#tweets").on("submit", "[data-tweet] form", send);
}
