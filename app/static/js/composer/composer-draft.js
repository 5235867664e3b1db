/* What is in the composer, read as a whole, and put back there. */
import { $ } from "../shared/jquery.js";
import { count } from "./counters.js";
import { hasOptions, keptOptions, restoreOptions } from "./options.js";
import { clearPictures, keptPictures, restorePictures } from "./pictures.js";
import { chooseSignature, chosenSignature } from "./signatures.js";
import { threads } from "./threads.js";
import { chooseMode, mode, setTime } from "./time-field.js";

const $form = $("#composer");
const $text = $("#text");
const $when = $("#when");
const DRAFT_ITSELF = ["submit_id", "draft", "draft_version"];
const NOT_WRITTEN = [...DRAFT_ITSELF, "csrf_token", "writer", "shown_at", "mode"];

/* All texts but the first: of further parts, and of accounts that say something else, by name. */
function furtherTexts() {
  const own = $form.find("[data-variant] > [data-writing] textarea").get();
  return {
    threads: Object.fromEntries(threads.map((one) => [one.name, one.texts()])),
    variants: Object.fromEntries(own.map((box) => [box.id, box.value])),
  };
}

function chosenAccounts() {
  const boxes = $form.find("[name='accounts'][data-account-id]:checked").get();
  return boxes.map((box) => box.value);
}

/* All that is written, as it can be put back. */
export function written() {
  return {
    text: $text.val(),
    when: $when.val(),
    mode: mode(),
    ...furtherTexts(),
    pictures: keptPictures(),
    options: keptOptions(),
    signature: chosenSignature(),
    accounts: chosenAccounts(),
  };
}

export function isEmpty({ text, when, pictures, threads, variants }) {
  const texts = Object.values({ ...threads, ...variants });
  return !(text || when || pictures.length || texts.some((one) => one.length) || hasOptions());
}

/* The same as the form sends it, as far as somebody wrote it. */
export function fields() {
  const given = $form.serializeArray().filter(({ name }) => !NOT_WRITTEN.includes(name));
  return $.param(given);
}

/* Pictures that are put back are not in the form before the server was asked for them. */
export function isPuttingBack() {
  return $form.find("li[data-url][data-state='uploading']").length > 0;
}

/* True when a draft of the server's says the same in the same parts, for the same time. */
export function saysTheSame({ text, when, threads }, draft) {
  const here = [text, ...(threads.part ?? []).filter((one) => one.trim())];
  const there = draft.parts.map((part) => part.text);
  return draft.when === when && JSON.stringify(here) === JSON.stringify(there);
}

function restoreFurther(kept) {
  clearPictures(); // first: taking a part away would delete its pictures
  for (const thread of threads) {
    thread.clear();
    for (const text of kept.threads?.[thread.name] ?? []) {
      thread.add(text);
    }
  }
  restorePictures(kept.pictures ?? []);
  restoreOptions(kept.options);
  const variants = Object.entries(kept.variants ?? {});
  for (const [id, text] of variants) {
    $(`#${id}`).val(text);
  }
  $form.find("[data-variants]").prop(
    "open",
    variants.some(([, text]) => Boolean(text)),
  );
}

/* A time that the page was opened for, such as a day of the calendar, is meant. */
function restoreTime(kept) {
  if (!$form.is("[data-begun]")) {
    setTime(kept.when, kept.mode);
    chooseMode(kept.mode ?? mode());
  }
}

export function restore(kept) {
  $text.val(kept.text);
  restoreTime(kept);
  restoreFurther(kept);
  chooseSignature(kept.signature);
  if (kept.accounts?.length) {
    for (const box of $form.find("[name='accounts'][data-account-id][type='checkbox']").get()) {
      box.checked = kept.accounts.includes(box.value);
    }
  }
  count();
}
