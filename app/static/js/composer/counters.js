/* The counters under the text boxes: the tightest limit of the accounts a text goes to, with the
   network's name; amber when near it, red when over. */
import { $ } from "../shared/jquery.js";
import { announce } from "../shared/messages.js";
import { say, templateOf } from "../shared/page.js";
import { showOptionsOf, warningOf } from "./options.js";
import { isLast, signed } from "./signatures.js";
import { bytes, lengthAs } from "./text-length.js";

const NEAR_CHARACTERS = 20;
const ANNOUNCE_AFTER_MS = 1200;

const $form = $("#text").closest("form");
let announcing = null;

function ticked() {
  return $form.find("[data-account-id]").filter(":checked, [data-ticked]").get();
}

function hasOwnText(account) {
  const boxes = $form.find(`[name="variant-${account.dataset.accountId}"]`).get();
  return boxes.some((box) => box.value.trim());
}

/* The accounts that publish what stands in a box. A shared text that nobody uses counts for all. */
function readersOf($box) {
  const own = String($box.data("account") ?? "");
  if (own) {
    return $form.find(`[data-account-id="${own}"]`).get();
  }
  const accounts = ticked();
  const sharing = accounts.filter((account) => !hasOwnText(account));
  return sharing.length ? sharing : accounts;
}

/* How a text stands with one account: what is left of its characters, or of its bytes if over. */
function measure(text, { dataset }) {
  const linkLength = dataset.linkLength === undefined ? undefined : Number(dataset.linkLength);
  const warning = warningOf(dataset.accountId);
  const length =
    lengthAs(text, dataset.unit, linkLength) +
    (warning ? lengthAs(warning, dataset.unit, linkLength) : 0);
  const limit = Number(dataset.limit);
  const tooLarge = dataset.bytes && bytes(text) > Number(dataset.bytes);
  const left = tooLarge ? Math.min(-1, limit - length) : limit - length;
  return { length, limit, title: dataset.title, left };
}

/* The last part is counted with the signature that it gets. */
function tightest({ box, accounts }) {
  const ends = isLast(box);
  return accounts
    .map((account) => measure(ends ? signed(box.value, account) : box.value, account))
    .reduce((least, one) => (least && least.left <= one.left ? least : one), null);
}

function levelOf(left) {
  if (left < 0) {
    return "over";
  }
  return left <= NEAR_CHARACTERS ? "near" : "fine";
}

function sentenceOf({ left, title }) {
  return left < 0
    ? say("over", { count: -left, network: title })
    : say("left", { count: left, network: title });
}

/* Screen readers hear the count only near the limit, and only in a pause of the typing. */
function announceSoon(found) {
  clearTimeout(announcing);
  if (found && levelOf(found.left) !== "fine") {
    announcing = setTimeout(() => announce(sentenceOf(found)), ANNOUNCE_AFTER_MS);
  }
}

/* The counter of a box; what is in it comes from a template. */
function counterOf($box) {
  const $counter = $box.find(".counter");
  if (!$counter[0].firstElementChild) {
    $counter.append(templateOf("counter-template").cloneNode(true));
  }
  return $counter;
}

function countBox(box) {
  const $box = $(box);
  const $counter = counterOf($box);
  const found = tightest({ box: $box.find("textarea")[0], accounts: readersOf($box) });
  $counter.prop("hidden", !found);
  if (found) {
    const { length, limit, title, left } = found;
    const dashes = `${Math.min(100, (100 * length) / limit)} 100`;
    const words = left < 0 ? sentenceOf(found) : `${title}: ${length} / ${limit}`;
    $counter.attr("data-level", levelOf(left));
    $counter.find(".counter-words").text(words);
    $counter
      .find(".ring-filled")
      .attr({ "stroke-dasharray": dashes, display: length ? null : "none" });
  }
  return found;
}

/* Every box again: a tick or a text of an account's own changes whose limit counts. */
export function count() {
  const accounts = ticked();
  const ids = accounts.map((account) => account.dataset.accountId);
  const isNeeded = ids.length > 1 || accounts.some(hasOwnText); // what is sent is shown
  $form.find("[data-variants]").prop("hidden", !isNeeded);
  for (const variant of $form.find("[data-variant]").get()) {
    const isFor = ids.includes(variant.dataset.variant);
    $(variant).prop("hidden", !isFor).find("textarea").prop("disabled", !isFor); // kept, not sent
  }
  showOptionsOf(ids);
  for (const box of $form.find("[data-writing]").get()) {
    countBox(box);
  }
}

function countWhatWasTyped(event) {
  const box = event.currentTarget.closest("[data-writing]");
  if (box) {
    count();
    announceSoon(countBox(box));
  }
}

/* Control or Command with Enter sends the form, unless an input method is at work. */
function sendByKey(event) {
  const isComposing = event.originalEvent.isComposing || event.originalEvent.keyCode === 229;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !isComposing) {
    event.preventDefault();
    event.currentTarget.requestSubmit();
  }
}

/* Without this script the key does nothing, so the page does not name it. */
function nameTheKey(event) {
  event.currentTarget.setAttribute("aria-keyshortcuts", "Control+Enter Meta+Enter");
}

export function startCounters() {
  $form.on("input", "textarea", countWhatWasTyped);
  $form.on("change", "[name='accounts'], [name='signature']", count);
  $form.on("input", "[data-counts]", count);
  $form.on("keydown", sendByKey);
  $form.on("focusin", "textarea", nameTheKey);
  count();
}
