/* The browser's own field for a date and a time; it writes into the field for words. */
import { $ } from "../shared/jquery.js";

const HOUR_MS = 3600000;

export const $picker = $("#picker");

export function isPicking() {
  return !$picker.prop("hidden");
}

/* True while a date or time is typed in part. */
export function isHalfTyped() {
  return isPicking() && $picker[0].validity.badInput;
}

/* Show the picker in the place of the field for words, or the other way round. */
export function showPicker(wanted) {
  $picker.prop("hidden", !wanted);
  $("#when").prop("hidden", wanted);
  $("label[for='when'], label[for='picker']").attr("for", wanted ? "picker" : "when");
}

/* The picker starts at the next full hour of the zone that is written beside it. */
function nextHour() {
  const digits = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit" };
  const wall = new Intl.DateTimeFormat("sv-SE", { ...digits, timeZone: $("#zone").text() });
  return `${wall.format(Date.now() + HOUR_MS).replace(" ", "T")}:00`; // Swedish writes ISO dates
}

export function openPicker() {
  if (!$picker.val()) {
    $picker.val(nextHour());
  }
  showPicker(true);
  $picker.trigger("input").trigger("focus");
  try {
    $picker[0].showPicker();
  } catch {
    // Not every browser opens it from a script; the field itself is there to type in.
  }
}
