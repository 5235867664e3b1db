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

/* What a browser would send without us: the form's own fields, and the button's. */
function send(event) {
  event.preventDefault();
  const button = event.currentTarget;
  const $button = $(button);
  const $card = $button.closest("[data-tweet]");
  if ($button.attr("aria-disabled") === "true") {
    return;
  }
  $button.attr("aria-disabled", "true");
  const data = [...$(button.form).serializeArray(), ...(button.name ? [button] : [])];
  call("POST", $button.attr("formaction"), { data: $.param(data) })
    .then(
      (answer) => succeed($card, answer),
      (response) => fail($card, response),
    )
    .always(() => $button.removeAttr("aria-disabled"));
}

export function startActions() {
  $("#tweets").on("click", "[formaction]", send);
}
