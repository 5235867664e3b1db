/* The composer's draft: what is written is kept while this tab is open, for its own user only. */
import { draft } from "../shared/drafts.js";
import { $ } from "../shared/jquery.js";
import { count } from "./counters.js";
import { hasOptions, keptOptions, restoreOptions } from "./options.js";
import { keptPictures, restorePictures } from "./pictures.js";
import { threads } from "./threads.js";
import { chooseMode, mode, setTime } from "./time-field.js";

const $form = $("#composer");
const $text = $("#text");
const $when = $("#when");
const $submitId = $form.find("[name='submit_id']");

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

export function keepDraft() {
  const [text, when] = [$text.val(), $when.val()];
  const [further, pictures] = [furtherTexts(), keptPictures()];
  const texts = Object.values({ ...further.threads, ...further.variants });
  if (text || when || pictures.length || texts.some((one) => one.length) || hasOptions()) {
    const accounts = chosenAccounts();
    const submitId = $submitId.val();
    const options = keptOptions();
    draft.keep({ text, when, mode: mode(), ...further, pictures, options, accounts, submitId });
  } else {
    draft.forget();
  }
}

function restoreFurther(kept) {
  for (const thread of threads) {
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

export function restoreDraft() {
  const kept = draft.read();
  if (!kept || $text.val()) {
    return;
  }
  $text.val(kept.text);
  $submitId.val(kept.submitId);
  setTime(kept.when);
  chooseMode(kept.mode ?? mode());
  restoreFurther(kept);
  if (kept.accounts?.length) {
    for (const box of $form.find("[name='accounts'][data-account-id][type='checkbox']").get()) {
      box.checked = kept.accounts.includes(box.value);
    }
  }
  count();
}
