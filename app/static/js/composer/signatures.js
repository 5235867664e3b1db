/* The signature that is added to a text when it is stored, as app/models/preset.py does it: counters
   and the preview show it before. */
import { $ } from "../shared/jquery.js";

const BEFORE = "\n\n"; // BEFORE_SIGNATURE of app/models/preset.py
const $form = $("#text").closest("form");
const $choice = $form.find("[name='signature']");

/* What an account's posts end with: what was chosen for all, else its own; "" for nothing. */
function signatureOf({ dataset }) {
  const id = $choice.val() || dataset.signature;
  const option = $choice
    .find("option")
    .get()
    .find((one) => one.value === id);
  return option?.dataset.words ?? "";
}

/* A text as an account publishes it at the end of a tweet. */
export function signed(text, account) {
  const words = signatureOf(account);
  const written = text.trim();
  return !words || !written || written.endsWith(words) ? text : `${written}${BEFORE}${words}`;
}

function hasPictures(box) {
  return $(box).closest("[data-part]").find("[data-pictures] li").length > 0;
}

/* True for the box whose text gets the signature: all parts after it are empty. */
export function isLast(box) {
  const names = ["text", "part"].includes(box.name) ? ["text", "part"] : [box.name];
  const boxes = $form
    .find("textarea")
    .get()
    .filter((one) => names.includes(one.name));
  const later = boxes.slice(boxes.indexOf(box) + 1);
  return later.every((one) => !one.value.trim() && !hasPictures(one));
}

export function chosenSignature() {
  return $choice.val() ?? "";
}

export function chooseSignature(id) {
  $choice.val(id ?? "");
}
