/* The number at the bell stays true while the page is open. */
import { $ } from "./jquery.js";
import { say, urls } from "./page.js";
import { call } from "./server.js";

const ASK_AFTER_MS = 20000;
const MOST_SHOWN = 99;
const SIGNED_OUT = 401;

function show({ unread }) {
  const words = unread > MOST_SHOWN ? `${MOST_SHOWN}+` : String(unread || "");
  const bell = $("#bell");
  if (bell.text() !== words) {
    bell.html(words ? $("<b>").text(words) : "");
    bell.attr("aria-label", say("unread", { count: unread }));
  }
}

function later() {
  setTimeout(ask, ASK_AFTER_MS);
}

function ask() {
  if (document.hidden) {
    later();
    return;
  }
  call("GET", urls.unread).then(
    (answer) => {
      show(answer);
      later();
    },
    (failed) => failed.status === SIGNED_OUT || later(),
  );
}

export function startBell() {
  if ($("#bell").length) {
    later();
  }
}
