/* Sends the composer without leaving the page.

   The submit id stays the same until the server has answered "stored", so that pressing again,
   after whatever went wrong, can never make a second tweet. */

import { announceEnded } from "../cards/card.js";
import { replace, watch } from "../cards/poller.js";
import { addTicks } from "../cards/ticks.js";
import { $ } from "../shared/jquery.js";
import { announce, NOTICE_MS, notice, signInLink } from "../shared/messages.js";
import { say, urls } from "../shared/page.js";
import { call, fetchCard, refusalOf } from "../shared/server.js";
import { refreshTimes } from "../shared/times.js";
import { startAllAccounts } from "./all-accounts.js";
import { changed, goOn, pause, renew, startAutosave, startOver } from "./autosave.js";
import { count } from "./counters.js";
import { clearOptions } from "./options.js";
import { clearPictures } from "./pictures.js";
import { chooseSignature } from "./signatures.js";
import { duplicateHelp, SEND_ANYWAY, tellSimilar } from "./similar.js";
import { threads } from "./threads.js";
import { askAgain, isUnderstood, mode, setTime, timeProblem } from "./time-field.js";
import { clearErrorOf, clearErrors, showError, showTrouble } from "./trouble.js";

const $form = $("#composer");
const $text = $("#text");
const $when = $("#when");
const $button = $("#submit");
const $submitId = $form.find("[name='submit_id']");

function isBusy() {
  return $button.attr("aria-disabled") === "true";
}

function setBusy(busy) {
  const value = busy ? "true" : null;
  $button.attr({ "aria-disabled": value, "aria-busy": value });
  $form.find("textarea").add($when).prop("readOnly", busy);
}

const LABELS = { later: "schedule", queue: "toQueue", now: "postNow" };

function setLabel() {
  $button.find(".submit-label").text(say(LABELS[mode()]));
}

function tryAgainButton() {
  const $again = $("<button>", { type: "button", class: "btn btn-small btn-plain" });
  return $again.text(say("tryAgain")).on("click", () => $form.trigger("submit"));
}

function reloadLink() {
  return $("<a>", { href: urls.signIn, text: say("reload") });
}

function fail(response) {
  const refusal = refusalOf(response);
  if (response.status === 401) {
    showTrouble(`${say("signedOut")} ${say("kept")}`, signInLink());
  } else if (refusal) {
    explain(refusal, response);
  } else {
    showTrouble(say(response.status ? "didNotWork" : "notReached"), tryAgainButton());
  }
}

/* Say why the server refused, and offer what helps. */
function explain(refusal, response) {
  if (refusal.code === "submit_id_reused") {
    renew();
    changed();
    showTrouble(say("storedBefore"), reloadLink());
  } else if (refusal.code === "duplicate") {
    showTrouble(refusal.message, duplicateHelp(response.responseJSON.duplicate));
  } else if (response.status === 422) {
    showError(refusal);
    if (refusal.code === "time_moved") {
      askAgain();
    }
  } else if (refusal.code === "csrf") {
    showTrouble(refusal.message, reloadLink());
  } else {
    showTrouble(`${refusal.message} ${say("kept")}`, tryAgainButton());
  }
}

function addCard($card) {
  const $known = $(`#${$card.attr("id")}`);
  $("#empty").prop("hidden", true);
  if ($known.length) {
    replace($known, $card);
  } else {
    $card.addClass("tweet-new").prependTo("#tweets");
    refreshTimes();
    watch($card);
    addTicks($card);
    announceEnded($card);
  }
}

/* Empty the form for the next tweet. */
function clear() {
  $text.val("");
  clearPictures();
  clearOptions();
  chooseSignature("");
  for (const thread of threads) {
    thread.clear();
  }
  $form.find("[data-variants]").prop("open", false).find("textarea").val("");
  setTime("");
  count();
  startOver();
}

function stored(sentMode) {
  if (sentMode === "queue") {
    return say("queuedFor");
  }
  const when = isUnderstood() ? $("#echo").text() : $when.val();
  return sentMode === "later" ? say("scheduledFor", { when }) : say("onItsWay");
}

function succeed(answer, sentMode) {
  const told = stored(sentMode);
  clear();
  tellSimilar(answer);
  if ($form.is("dialog *")) {
    $form.trigger("composer:stored", [answer.tweet.id, told]);
    return;
  }
  announce(told);
  $text.trigger("focus");
  fetchCard(answer.tweet.id).then(addCard, () => {
    notice([document.createTextNode(`${say("onItsWay")} `), reloadLink()[0]], NOTICE_MS);
  });
}

function send(event) {
  event.preventDefault();
  if (isBusy()) {
    return;
  }
  clearErrors();
  const problem = timeProblem();
  if (problem) {
    showError({ field: "when", message: problem });
    return;
  }
  const sentMode = mode();
  const isMeant = event.originalEvent?.submitter?.name === SEND_ANYWAY;
  changed();
  setBusy(true);
  pause()
    .then(() => call("POST", $form.attr("action"), sent(isMeant)))
    .finally(() => setBusy(false))
    .then(
      (answer) => succeed(answer, sentMode),
      (response) => {
        goOn(response.status === 401);
        fail(response);
      },
    );
}

function sent(isMeant) {
  return {
    data: $form.serialize() + (isMeant ? `&${SEND_ANYWAY}=1` : ""),
    headers: { "Idempotency-Key": $submitId.val() },
  };
}

function listen() {
  $form.on("submit", send);
  $form.on("change", "[name='mode']", setLabel);
  $form.on("input", "textarea, #when", (event) => {
    clearErrorOf($(event.currentTarget));
    setLabel();
    changed();
  });
  $form.on("pictures:changed", changed);
  $form.on("input change", "[data-options] :input, [name='signature']", changed);
  $form.on("change", "[name='accounts']", () => {
    $("#accounts-error").empty();
    changed();
  });
  $("#picker").on("input", (event) => {
    $(event.currentTarget).removeAttr("aria-invalid");
  });
}

export function startComposer() {
  listen();
  startAutosave();
  startAllAccounts();
  setLabel();
}
