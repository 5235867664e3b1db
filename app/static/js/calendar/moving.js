/* Moves what is due at a moment to another time, and shows the calendar as it is then. */
import { $ } from "../shared/jquery.js";
import { NOTICE_MS, notice, noticeSignedOut } from "../shared/messages.js";
import { say, urls } from "../shared/page.js";
import { call, refusalOf } from "../shared/server.js";

const PAGE_TIMEOUT_MS = 15000;
const TOO_LATE = 409;

/* Put the focus on what moves a tweet, where that is shown, else on the title. */
export function focusOn(tweetId) {
  const $moved = $(`[data-tweet-id="${tweetId}"] [data-move]`).filter(":visible").first();
  ($moved.length ? $moved : $("#cal-title")).trigger("focus");
}

/* Read the page again and put its calendar here; the focus goes to the tweet, where it is shown. */
function showAgain(tweetId) {
  return $.ajax({ url: location.href, dataType: "html", timeout: PAGE_TIMEOUT_MS }).then((html) => {
    const $fresh = $($.parseHTML(html)).find("#calendar");
    if (!$fresh.length) {
      noticeSignedOut(); // it is another page
      return;
    }
    $("#calendar").html($fresh.html()).trigger("calendar:shown");
    focusOn(tweetId);
  });
}

function tell(response) {
  if (response.status === 401) {
    noticeSignedOut();
  } else {
    notice(refusalOf(response)?.message ?? say("notChanged"), NOTICE_MS);
  }
}

/* Resolves when it is moved and shown; rejects with the server's answer.

   `when` is a time on the clocks of the person's zone, which the server knows. */
export function move(due, when) {
  const { tweetId, due: dueAt } = due.dataset;
  const sent = { contentType: "application/json", data: JSON.stringify({ when, due_at: dueAt }) };
  return call("POST", urls.reschedule.replace("/0/", `/${tweetId}/`), sent).then((answer) => {
    notice(answer.message, NOTICE_MS);
    return showAgain(tweetId);
  });
}

/* Say why something was not moved. What is too late is shown as it is now. */
export function explain(due, response) {
  tell(response);
  if (response.status === TOO_LATE) {
    showAgain(due.dataset.tweetId);
  }
}
