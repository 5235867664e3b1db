/* What is told to the person: to a screen reader alone, or in one quiet line over the page. */
import { $ } from "./jquery.js";
import { say, urls } from "./page.js";

export const NOTICE_MS = 6000;
const ANNOUNCE_AFTER_MS = 100;

let hiding = null;

/* Tell a screen reader without showing anything; the same words twice are said twice. */
export function announce(sentence) {
  const $announcer = $("#announcer").empty();
  setTimeout(() => $announcer.text(sentence), ANNOUNCE_AFTER_MS);
}

/* Show one quiet line over the page: for some seconds, or until it is replaced. */
export function notice(content, milliseconds) {
  clearTimeout(hiding);
  $("#notice").empty().append(content);
  if (milliseconds) {
    hiding = setTimeout(() => $("#notice").empty(), milliseconds);
  }
}

export function signInLink() {
  return $("<a>", { href: urls.signIn, text: say("signIn") });
}

/* Say for good that the session is over, and where to sign in. */
export function noticeSignedOut() {
  notice([document.createTextNode(`${say("signedOut")} `), signInLink()[0]]);
}
