/* The cards of tweets: finding one, putting a newer one in its place, what is said about it. */
import { $ } from "../shared/jquery.js";
import { announce } from "../shared/messages.js";
import { say } from "../shared/page.js";
import { refreshTimes } from "../shared/times.js";
import { keepTick } from "./ticks.js";

const EXCERPT_CHARACTERS = 60;

export function rowOf(jobId) {
  return $(`[data-job="${jobId}"]`);
}

export function cardOf(jobId) {
  return rowOf(jobId).closest("[data-tweet]");
}

/* What a screen reader hears about a job that changed. */
export function sentenceOf(jobId, label) {
  const text = cardOf(jobId).find(".tweet-text").text().trim();
  const isLong = text.length > EXCERPT_CHARACTERS;
  const excerpt = isLong ? `${text.slice(0, EXCERPT_CHARACTERS)}…` : text;
  return say("change", { state: label, text: excerpt });
}

/* A quick tweet is published before its card first shows: no later answer would say so. */
export function announceEnded($card) {
  const ended = $card.find("[data-job]:not([data-poll-after-ms])").get();
  const sentences = ended.map((row) =>
    sentenceOf(row.dataset.job, $(row).children("b").text().trim()),
  );
  if (sentences.length) {
    announce(sentences.join(". "));
  }
}

/* What a link or a button is for: by that it is found again in a newer card. */
function aimOf(element) {
  const { job } = element.closest("[data-job]")?.dataset ?? {};
  const { className, href, value, dataset } = element;
  return [className, job, href, element.getAttribute("formaction"), value, dataset.key].join(" ");
}

/* Put a card in the place of an older one. Keep what the person was doing: the focus, what they
   had folded open, and a tick. */
export function putInPlace($old, $fresh) {
  const focus = $old[0].contains(document.activeElement) ? document.activeElement : null;
  const open = new Set(
    $old
      .find("details[open]")
      .map((_, one) => one.dataset.key)
      .get(),
  );
  for (const element of $fresh.find("details").get()) {
    element.open = open.has(element.dataset.key);
  }
  keepTick($old, $fresh);
  $old.replaceWith($fresh);
  if (focus) {
    const same = $fresh
      .find("a, button, summary, .tick")
      .get()
      .find((one) => aimOf(one) === aimOf(focus));
    (same ?? $fresh.attr("tabindex", -1)[0]).focus({ preventScroll: true });
  }
  refreshTimes();
}
