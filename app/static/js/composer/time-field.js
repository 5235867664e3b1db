/* The time field: says how the words are understood, offers shortcuts and a date picker. */
import { $ } from "../shared/jquery.js";
import { say, urls } from "../shared/page.js";
import { call, refusalOf } from "../shared/server.js";
import { $picker, isHalfTyped, isPicking, openPicker, showPicker } from "./time-picker.js";

const ASK_AFTER_MS = 350;

const $when = $("#when");
const $echo = $("#echo");
const $shownAt = $("#shown_at"); // the moment that the page says the words mean: it is stored
const $shortcuts = $(".shortcut[data-words]");
const $pick = $("[data-pick]");
const $timezone = $("[name='timezone']");
const $modes = $("[name='mode']"); // the edit page has none: there a time is never "now"
let waiting = null;
let asking = null;

/* False on the edit page of a tweet whose time cannot be changed any more. */
export function hasTimeField() {
  return $when.length > 0;
}

function show(sentence, understood) {
  $echo.text(sentence).attr("data-understood", understood ? "" : null);
}

/* An answer that nobody waits for any more says nothing. */
function explain(response, otherwise) {
  if (response.statusText !== "abort") {
    show(refusalOf(response)?.message ?? otherwise, false);
  }
}

function ask(words) {
  asking = call("GET", urls.when, { data: { when: words, timezone: $timezone.val() } });
  asking.then(
    (answer) => {
      $shownAt.val(answer.due_at);
      show([answer.echo, answer.note].filter(Boolean).join(" "), true);
    },
    (response) => explain(response, ""),
  );
}

function chosenAccounts() {
  const boxes = $when.closest("form").find("[data-account-id]").filter(":checked, [data-ticked]");
  return boxes.get().map((box) => box.value);
}

/* Say which slot each account would take; until that is known, that it is the next one. */
function askForSlot() {
  const accounts = chosenAccounts();
  if (accounts.length) {
    const data = $.param({ mode: "queue", check: 1, accounts }, true);
    asking = call("POST", $when.closest("form").attr("action"), { data });
    asking.then(
      ({ echo }) => show(say("nextSlotAt", { when: echo }), true),
      (response) => explain(response, say("nextSlot")),
    );
  }
}

/* Say anew what the words mean by now. */
export function askAgain() {
  asking?.abort();
  ask($when.val().trim());
}

/* True when the page says which moment the words mean. */
export function isUnderstood() {
  return Boolean($shownAt.val());
}

/* Show which of the buttons below the field it was written with. */
function press(words) {
  for (const shortcut of $shortcuts.get()) {
    const isPressed = !isPicking() && shortcut.dataset.words === words;
    shortcut.setAttribute("aria-pressed", String(isPressed));
  }
  $pick.attr("aria-pressed", String(isPicking()));
}

/* "now", "queue" or "later". */
export function mode() {
  return $modes.length ? $modes.filter(":checked").val() : "later";
}

export function chooseMode(wanted) {
  for (const radio of $modes.get()) {
    radio.checked = radio.value === wanted;
  }
}

/* Why the time cannot be sent as it stands; "" when it can. An empty field never means now. */
export function timeProblem() {
  if (isHalfTyped()) {
    return say("halfTime");
  }
  return mode() === "later" && !$when.val().trim() ? say("sayWhen") : "";
}

/* Follow a change of the field. An answer to older words is thrown away. */
function follow() {
  const words = $when.val().trim();
  clearTimeout(waiting);
  asking?.abort();
  asking = null;
  $shownAt.val("");
  press(words);
  if (words) {
    waiting = setTimeout(() => ask(words), ASK_AFTER_MS);
  } else {
    show(timeProblem() || say(mode() === "queue" ? "nextSlot" : "now"), false);
  }
  if (mode() === "queue") {
    askForSlot();
  }
}

export function setTime(words, without = "now") {
  showPicker(false);
  chooseMode(words ? "later" : without);
  $when.val(words).trigger("input");
}

function followMode() {
  if (mode() !== "later") {
    setTime("", mode());
  } else {
    $when.trigger("input").trigger("focus");
  }
}

/* The composer looks for itself; any other form is not sent with a time that is none. */
function holdWithoutTime(event) {
  const sentence = event.originalEvent?.submitter?.name === "now" ? "" : timeProblem();
  if (sentence) {
    event.preventDefault();
    $("#when-error").text(sentence);
    (isPicking() ? $picker : $when).attr("aria-invalid", "true").trigger("focus");
  }
}

function listen() {
  $when.on("input", () => {
    if ($when.val().trim()) {
      chooseMode("later");
    }
    follow();
  });
  $modes.on("change", followMode);
  $when.closest("form").on("change", "[name='accounts']", () => mode() === "queue" && follow());
  $when.closest("form").not("#composer").on("submit", holdWithoutTime);
  $picker.on("input", () => $when.val($picker.val().replace("T", " ")).trigger("input"));
  $shortcuts.on("click", (event) => setTime(event.currentTarget.dataset.words));
  $pick.on("click", () => {
    chooseMode("later");
    openPicker();
  });
}

export function startTimeField() {
  if (!$timezone.val()) {
    // The browser's zone, for a person who has not chosen one.
    $timezone.val(Intl.DateTimeFormat().resolvedOptions().timeZone ?? "");
    $("#zone").text($timezone.val() || "UTC");
  }
  listen();
  if ($when.val()) {
    press($when.val()); // as the server wrote it, with what it says about it
  } else {
    follow();
  }
}
