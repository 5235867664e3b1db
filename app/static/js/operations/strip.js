/* Asks for the numbers of the strip as often as the viewer chose, and not in the background. */
import { $ } from "../shared/jquery.js";
import { announce, noticeSignedOut } from "../shared/messages.js";
import { call } from "../shared/server.js";

const KEPT_AS = "tweet-later:refresh";
const SECOND_MS = 1000;
const TOLD = ["failed", "unconfirmed", "held", "overdue"]; // the others change all the time

const format = new Intl.NumberFormat(document.documentElement.lang || "en");
const $strip = $("#numbers");
const $every = $("#refresh");
let asking = null;

function shown({ count, at_least: isMore }) {
  return count === null ? "?" : format.format(count) + (isMore ? "+" : "");
}

/* Write the numbers that changed; tell a screen reader of those that somebody should look at. */
function show({ counts }) {
  const changed = [];
  for (const [name, number] of Object.entries(counts)) {
    const $one = $strip.find(`[data-number="${name}"]`);
    const words = shown(number);
    if ($one.find(".number").text() !== words) {
      $one.find(".number").text(words);
      if (TOLD.includes(name)) {
        changed.push(`${$one.find(".number-label").text()}: ${words}`);
      }
    }
  }
  if (changed.length) {
    announce(changed.join(", "));
  }
}

function stumble(answer) {
  if (answer.status === 401) {
    clearTimeout(asking);
    $every.prop("disabled", true);
    noticeSignedOut();
    return;
  }
  goOn();
}

function goOn() {
  clearTimeout(asking);
  const seconds = Number($every.val());
  if (seconds) {
    asking = setTimeout(ask, seconds * SECOND_MS);
  }
}

function ask() {
  if (document.hidden) {
    return; // coming back asks at once
  }
  call("GET", $strip.data("url")).then((answer) => {
    show(answer);
    goOn();
  }, stumble);
}

export function startStrip() {
  const kept = localStorage.getItem(KEPT_AS);
  if ($every.find("option").filter((_, option) => option.value === kept).length) {
    $every.val(kept);
  }
  $every.on("change", () => {
    localStorage.setItem(KEPT_AS, $every.val());
    goOn();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Number($every.val())) {
      clearTimeout(asking);
      ask();
    }
  });
  goOn();
}
