/* The edit page: what is changed is kept until it is saved, and leaving with changes asks. */
import { editDraft } from "../shared/drafts.js";
import { $ } from "../shared/jquery.js";
import { say } from "../shared/page.js";
import { count, startCounters } from "./counters.js";
import { keptOptions, restoreOptions, startOptions } from "./options.js";
import { startPictureDrops } from "./picture-drops.js";
import { clearPictures, keptPictures, restorePictures, startPictures } from "./pictures.js";
import { startPreviews } from "./previews.js";
import { startThreads, threads } from "./threads.js";
import { hasTimeField, setTime, startTimeField } from "./time-field.js";

startOptions();
startCounters();
startPictures();
startPictureDrops();
startThreads();
startPreviews();
if (hasTimeField()) {
  startTimeField();
}

const $form = $("#edit");
const tweet = String($form.data("tweet"));
const address = `${window.location.pathname.replace(/\/edit$/, "")}/edit${jobOf()}`;
let isLeaving = false;

function jobOf() {
  const job = $form.find("[name='job_id']").val();
  return job ? `?job_id=${encodeURIComponent(job)}` : "";
}

/* All that can be written here, by name: as it is now, or as the server wrote it. */
function written(property = "value") {
  const own = $form.find("[data-variant] > [data-writing] textarea").get();
  const inParts = threads.map((one) => [one.name, one.boxes().map((box) => box[property])]);
  return {
    text: $("#text").prop(property),
    when: $("#when").prop(property) ?? "",
    threads: Object.fromEntries(inParts),
    variants: Object.fromEntries(own.map((box) => [box.id, box[property]])),
    pictures: keptPictures(),
    options: keptOptions(),
  };
}

/* A form that was refused has what was typed, and not what is stored. */
const wasRefused = $form.find("[aria-invalid]").length > 0 || $("#trouble").text().trim() !== "";
// Somebody may have typed before this script ran.
const before = wasRefused ? null : JSON.stringify(written("defaultValue"));

function isChanged() {
  return JSON.stringify(written()) !== before;
}

function keep() {
  if (isChanged()) {
    editDraft.keep({ tweet, address, ...written() });
  } else {
    editDraft.forget();
  }
}

/* Give a thread these parts, whatever it has now. */
function restoreParts(thread, wanted) {
  if (wanted.length < thread.texts().length) {
    thread.clear();
  }
  for (const text of wanted.slice(thread.texts().length)) {
    thread.add(text);
  }
  for (const [index, box] of thread.boxes().entries()) {
    box.value = wanted[index];
  }
}

function restoreTexts(kept) {
  $("#text").val(kept.text);
  for (const thread of threads) {
    restoreParts(thread, kept.threads[thread.name] ?? []);
  }
  for (const [id, text] of Object.entries(kept.variants)) {
    $(`#${id}`).val(text);
  }
  $form.find("[data-variants]").prop("open", Object.values(kept.variants).some(Boolean));
}

function restore() {
  const kept = editDraft.read();
  if (wasRefused || !kept || kept.address !== address) {
    return;
  }
  restoreTexts(kept);
  if (hasTimeField() && kept.when && kept.when !== $("#when").val()) {
    setTime(kept.when);
  }
  if (JSON.stringify(kept.pictures) !== JSON.stringify(keptPictures())) {
    clearPictures();
    restorePictures(kept.pictures);
  }
  restoreOptions(kept.options);
  count();
  keep();
  if (isChanged()) {
    $("#trouble").text(say("restored"));
  }
}

$form.on("input change pictures:changed", keep);
$form.on("submit", (event) => {
  isLeaving = !event.isDefaultPrevented();
  if (isLeaving) {
    keep();
  }
});
window.addEventListener("pageshow", () => {
  isLeaving = false;
});
window.addEventListener("beforeunload", (event) => {
  if (!isLeaving && isChanged()) {
    event.preventDefault();
    event.returnValue = ""; // what older browsers ask for
  }
});
restore();
