/* What was written before: the same is asked about, nearly the same is told after sending. */
import { refresh } from "../cards/poller.js";
import { $ } from "../shared/jquery.js";
import { NOTICE_MS, notice } from "../shared/messages.js";
import { say, templateOf, urls } from "../shared/page.js";
import { call, refusalOf } from "../shared/server.js";

export const SEND_ANYWAY = "allow_duplicate";

/* The page has the address of a tweet 0. */
function addressOf(tweetId) {
  return urls.tweet.replace("0", tweetId);
}

/* What helps when the same text was written before: a look at it, and a button of the form. */
export function duplicateHelp(duplicate) {
  const $send = $("<button>", { class: "btn btn-small btn-plain", name: SEND_ANYWAY, value: "1" });
  $send.text(say("sendAnyway"));
  if (!duplicate?.tweet_id) {
    return [$send];
  }
  const $show = $("<a>", { href: addressOf(duplicate.tweet_id), text: say("showIt") });
  return [$show, document.createTextNode(" "), $send];
}

function takeBack($banner, tweetId) {
  call("POST", `${addressOf(tweetId)}/cancel`).then(
    (answer) => {
      $banner.remove();
      notice(answer.message, NOTICE_MS);
      $(`[data-tweet="${tweetId}"]`).each((_, card) => refresh($(card)));
    },
    (response) => notice(refusalOf(response)?.message ?? say("notChanged"), NOTICE_MS),
  );
}

/* Say that a tweet that was just stored is nearly the same as another, and offer to take it back. */
export function tellSimilar(answer) {
  const warning = answer.warnings.find((one) => one.code === "similar");
  if (!warning) {
    return;
  }
  const $banner = $(templateOf("similar-template").cloneNode(true)).children();
  $banner.find("[data-show]").attr("href", addressOf(warning.tweet_id));
  $banner.find("form").on("submit", (event) => {
    event.preventDefault();
    takeBack($banner, answer.tweet.id);
  });
  $banner.find("[data-leave]").on("click", (event) => {
    event.preventDefault();
    $banner.remove();
  });
  $(".similar").remove();
  const $place = $("#unsaved");
  ($place.length ? $place : $("<div>", { role: "status" }).prependTo("#main")).append($banner);
}
