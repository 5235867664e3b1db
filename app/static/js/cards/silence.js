/* Shows and hides "Nothing is being sent right now" while the page is open.

   The server is asked only while a tweet is overdue here, or while the banner is up. */
import { $ } from "../shared/jquery.js";

const LOOK_EVERY_MS = 15000;
const OVERDUE_MS = 10000;

const $place = $("#silence");
let looking = null;

function somethingIsOverdue() {
  const due = $("[data-job][data-state='scheduled'] time").get();
  return due.some((time) => Date.parse(time.dateTime) < Date.now() - OVERDUE_MS);
}

function show(banner) {
  if ($place.text().trim() !== $($.parseHTML(banner)).text().trim()) {
    $place.html(banner);
  }
}

/* Signed out meanwhile: what the banner said is nobody's any more, and asking again is vain. */
function stumble(answer) {
  if (answer.status === 401) {
    clearInterval(looking);
    $place.empty();
  }
}

function look() {
  if (!document.hidden && ($place.children().length || somethingIsOverdue())) {
    $.get($place.data("url")).then(show, stumble);
  }
}

export function startSilence() {
  looking = setInterval(look, LOOK_EVERY_MS);
}
