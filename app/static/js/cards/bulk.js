/* Cancelling, retrying and moving the ticked tweets without leaving the page.

   The bar shows itself while something is ticked (tweets.css). Where scripts fail it is a plain
   form, and the server asks before it cancels. */
import { $ } from "../shared/jquery.js";
import { announce, NOTICE_MS, notice, noticeSignedOut } from "../shared/messages.js";
import { say, templateOf } from "../shared/page.js";
import { call, refusalOf } from "../shared/server.js";
import { refresh } from "./poller.js";
import { addTicks, tickedBoxes } from "./ticks.js";

let $bulk = $("#bulk");
let $when = $();
let isBusy = false;

function ids() {
  return tickedBoxes()
    .map((_, box) => Number(box.value))
    .get();
}

function showCount() {
  const count = ids().length;
  $("#ticked").text(say("ticked", { count }));
  announce(count ? say("tickedBelow", { count }) : say("ticked", { count }));
}

/* Resolves to whether the person said yes. */
function isSure(count) {
  const dialog = templateOf("sure-template").cloneNode(true).querySelector("dialog");
  dialog.querySelector("p").textContent = say("sureCancel", { count });
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

function succeed(tweetIds, answer) {
  notice(answer.message, NOTICE_MS);
  $when.val("").removeAttr("aria-invalid");
  tickedBoxes().prop("checked", false);
  showCount();
  $("#list-title").trigger("focus");
  for (const id of tweetIds) {
    refresh($(`[data-tweet="${id}"]`));
  }
}

function fail(response) {
  const refusal = refusalOf(response);
  if (response.status === 401) {
    noticeSignedOut();
    return;
  }
  notice(refusal?.message ?? say("notChanged"), NOTICE_MS);
  if (refusal?.field === "when") {
    $when.attr("aria-invalid", "true").trigger("focus");
  }
}

async function act(action) {
  const tweetIds = ids();
  if (action === "cancel" && !(await isSure(tweetIds.length))) {
    return;
  }
  const body = { action, tweet_ids: tweetIds };
  if (action === "reschedule" || (action === "retry" && $when.val())) {
    body.when = $when.val();
  }
  const sent = { contentType: "application/json", data: JSON.stringify(body) };
  await call("POST", $bulk.attr("action"), sent).then((answer) => succeed(tweetIds, answer), fail);
}

function submit(event) {
  event.preventDefault();
  const action = event.originalEvent.submitter?.value ?? "reschedule";
  if (isBusy || !ids().length) {
    return;
  }
  isBusy = true;
  act(action)
    .catch(() => {}) // what went wrong is said already
    .finally(() => {
      isBusy = false;
    });
}

/* The bar of the page; where there is none, its place is after the list. */
function bar() {
  if (!$bulk.length) {
    $("#tweets").after(templateOf("bulk-template").cloneNode(true));
    $bulk = $("#bulk");
  }
  $when = $bulk.find("[name='when']");
}

export function startBulk() {
  bar();
  addTicks($("[data-tweet]"));
  $(document).on("card:replaced", (event) => addTicks($(event.target)));
  $("#tweets").on("change", ".tick", showCount);
  $when.on("input", () => $when.removeAttr("aria-invalid"));
  $bulk.on("submit", submit);
  if (ids().length) {
    showCount(); // a browser that went back has ticked them again
  }
}
