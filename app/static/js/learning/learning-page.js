/* The pages that tell how an import goes: while one runs, its numbers stay true. */
import { $ } from "../shared/jquery.js";
import { noticeSignedOut } from "../shared/messages.js";

const ASK_AFTER_MS = 2000;
const ASK_TIMEOUT_MS = 15000;

function follow(place) {
  if ($(place).attr("data-learning") !== "importing") {
    return;
  }
  setTimeout(ask, ASK_AFTER_MS, place);
}

function ask(place) {
  if (document.hidden) {
    document.addEventListener("visibilitychange", () => ask(place), { once: true });
    return;
  }
  $.ajax({ url: $(place).data("url"), dataType: "html", timeout: ASK_TIMEOUT_MS }).then(
    (html) => {
      const $fresh = $($.parseHTML(html)).find(`#${place.id}`);
      if (!$fresh.length) {
        noticeSignedOut(); // it is another page
        return;
      }
      $(place).html($fresh.html()).attr("data-learning", $fresh.attr("data-learning"));
      follow(place);
    },
    () => follow(place),
  );
}

for (const place of $("[data-learning]")) {
  follow(place);
}
