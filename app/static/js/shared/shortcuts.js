/* Keys that work on every page while nobody types, and the list of them.

   They can be switched off: who speaks to the browser, or has a heavy hand, presses keys that were
   not meant. The list stays behind its button. */
import { compose } from "./compose.js";
import { $ } from "./jquery.js";
import { templateOf } from "./page.js";

const OFF = "shortcuts-off";
const WAIT_MS = 1500;
const TYPED_INTO =
  "input:not([type='checkbox'], [type='radio']), textarea, select, [contenteditable]";

let goesUntil = 0;

function isOff() {
  return localStorage.getItem(OFF) === "1";
}

function showList() {
  let dialog = document.getElementById("shortcuts");
  if (!dialog) {
    document.body.append(templateOf("shortcuts-template").cloneNode(true));
    dialog = document.getElementById("shortcuts");
    $("#shortcuts-on")
      .prop("checked", !isOff())
      .on("change", ({ target }) => localStorage.setItem(OFF, target.checked ? "0" : "1"));
  }
  if (!dialog.open) {
    dialog.showModal();
  }
}

/* After "g" comes the first letter of a place: the list says which. */
function go(letter) {
  const place = templateOf("shortcuts-template").querySelector(`[data-go="${letter}"]`);
  const href = place && $(`.menu .to-${place.dataset.place}`).attr("href");
  if (href) {
    location.assign(href);
  }
}

function onKey(event) {
  const isMeant = !(event.ctrlKey || event.metaKey || event.altKey || event.isComposing);
  if (!isMeant || isOff() || event.target.closest?.(TYPED_INTO) || $("dialog[open]").length) {
    return;
  }
  if (performance.now() < goesUntil) {
    goesUntil = 0;
    go(event.key);
  } else if (event.key === "g") {
    goesUntil = performance.now() + WAIT_MS;
  } else if (event.key === "n") {
    event.preventDefault(); // or the letter is the first of the text
    compose();
  } else if (event.key === "?") {
    showList();
  }
}

export function startShortcuts() {
  if (!$(".menu").length) {
    return;
  }
  $(document).on("keydown", (event) => onKey(event.originalEvent));
  $("#show-shortcuts").on("click", showList);
}
