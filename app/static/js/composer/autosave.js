/* The composer saves by itself: in this browser with each key, on the server a moment later.

   The first save carries the composer's submit id and is repeated with the same words until it is
   answered, so there is one draft however often an answer is lost. Each later one names the version
   that it replaces; when that is another one by now, both texts are shown and nothing is saved until
   one is chosen. */
import { leftBehind, unstored } from "../shared/drafts.js";
import { $ } from "../shared/jquery.js";
import { notice } from "../shared/messages.js";
import { say, templateOf, urls } from "../shared/page.js";
import { refusalOf } from "../shared/server.js";
import { fields, isEmpty, isPuttingBack, restore, saysTheSame, written } from "./composer-draft.js";
import { store, storeLeft } from "./draft-calls.js";
import { bringOptions } from "./options.js";

const SAVE_AFTER_MS = 900;
const RETRY_AFTER_MS = 5000;
const WORDS = {
  saving: say("draftSaving"),
  saved: say("draftSaved"),
  offline: say("draftOffline"),
  conflict: say("draftConflict"),
};

const $form = $("#composer");
const $pill = $("#draft-state");
const $conflict = $("#draft-conflict");
const $submitId = $form.find("[name='submit_id']");
const $id = $form.find("[name='draft']");
const $version = $form.find("[name='draft_version']");

const isDialog = $form.is("dialog *");

let stored = ""; // the fields as the server has them
let first = null; // those of the first save, while its answer is not known
let waiting = null;
let saving = null;
let isRestoring = false;
let isPaused = false; // while the form is sent, and while there is a conflict

function newSubmitId() {
  if (window.crypto.randomUUID) {
    return window.crypto.randomUUID();
  }
  const bytes = window.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function show(state) {
  if ($pill.attr("data-draft-state") !== state) {
    $pill.attr("data-draft-state", state).text(WORDS[state] ?? "");
  }
}

function later(milliseconds) {
  clearTimeout(waiting);
  waiting = setTimeout(save, milliseconds);
}

function keepHere() {
  unstored.keep({
    ...written(),
    fields: fields(),
    first,
    submitId: $submitId.val(),
    id: $id.val(),
    version: $version.val(),
  });
}

function addressOf(id) {
  return id ? `${urls.signIn}?draft=${id}` : urls.signIn;
}

function know(id, version) {
  $id.val(id);
  $version.val(version);
  if (isDialog) {
    return; // the address is that of the page below
  }
  window.history.replaceState(window.history.state, "", addressOf(id));
}

/* There is nothing to save: all is as the server has it, or empty from the start. */
function rest() {
  unstored.forget($submitId.val());
  clearTimeout(waiting);
  if (!saving && !isPaused) {
    show($id.val() ? "saved" : "");
  }
}

function isBegun() {
  return Boolean($id.val() || first || !isEmpty(written()));
}

/* Something was written: keep it at once, and save it soon. */
export function changed() {
  if (isRestoring) {
    return;
  }
  if (!isBegun() || (fields() === stored && !first)) {
    rest();
    return;
  }
  keepHere();
  if (!isPaused) {
    show("saving");
    later(SAVE_AFTER_MS);
  }
}

function save() {
  clearTimeout(waiting);
  if (saving || isPaused) {
    return;
  }
  if (isPuttingBack()) {
    later(SAVE_AFTER_MS);
    return;
  }
  const sent = fields();
  if (!$id.val()) {
    first ??= sent;
  }
  const words = first ?? sent;
  saving = store({
    id: $id.val(),
    version: $version.val(),
    fields: sent,
    first,
    submitId: $submitId.val(),
  })
    .then(({ draft }) => take(draft, words), refused)
    .always(() => {
      saving = null;
    });
}

/* The server has these fields. */
function take(draft, words) {
  first = null;
  stored = words;
  know(draft.id, draft.version);
  if (fields() === stored) {
    unstored.forget($submitId.val());
    show("saved");
  } else {
    keepHere();
    later(SAVE_AFTER_MS);
  }
}

/* Go on as a draft of its own: what it was is not there any more, or not for this text. */
function beginAnew() {
  renew();
  first = null;
  stored = "";
  know("", "");
  keepHere();
  later(0);
}

function refused(response) {
  const refusal = refusalOf(response);
  if (response.status === 412) {
    compare(response.responseJSON.draft);
  } else if (response.status === 404 || refusal?.code === "submit_id_reused") {
    beginAnew();
  } else {
    keepHere();
    show("offline");
    if (response.status === 422) {
      first = null; // it was not stored; the next words are another try
      notice(document.createTextNode(refusal.message));
    } else {
      later(RETRY_AFTER_MS);
    }
  }
}

function compare(draft) {
  if (saysTheSame(written(), draft)) {
    take(draft, fields());
    return;
  }
  isPaused = true;
  keepHere();
  show("conflict");
  const texts = [...draft.parts.map((part) => part.text), draft.when];
  $conflict.empty().append(templateOf("conflict-template").cloneNode(true));
  $conflict.find("[data-other]").text(texts.filter(Boolean).join("\n\n") || say("noWords"));
  $conflict.find("[data-mine]").on("click", () => {
    endConflict();
    beginAnew();
    $("#text").trigger("focus");
  });
  $conflict.find("[data-take]").on("click", () => {
    unstored.forget($submitId.val());
    window.location.assign(addressOf(draft.id));
  });
}

function endConflict() {
  isPaused = false;
  $conflict.empty();
}

/* Before the form is sent: wait for a save that is under way, and begin no other. */
export function pause() {
  isPaused = true;
  clearTimeout(waiting);
  return Promise.resolve(saving).catch(() => {});
}

/* What was sent under the submit id is stored: what is here now is something else. */
export function renew() {
  unstored.forget($submitId.val());
  $submitId.val(newSubmitId());
}

/* The form was not sent: go on, here or, when the session has ended, in the page after signing in. */
export function goOn(isSignedOut) {
  if (!$conflict.children().length) {
    isPaused = false;
  }
  if (isSignedOut) {
    keepHere();
  } else {
    changed();
  }
}

/* The form was sent and emptied: there is no draft any more. */
export function startOver() {
  renew();
  clearTimeout(waiting);
  endConflict();
  first = null;
  know("", "");
  stored = fields();
  show("");
}

/* Put back what was not stored when this browser or its tab was closed. */
function takeUp(entry) {
  $submitId.val(entry.submitId);
  first = entry.first ?? null;
  if (entry.id) {
    know(entry.id, entry.version);
  }
  isRestoring = true;
  restore(entry);
  isRestoring = false;
  changed();
}

async function findLeft() {
  const id = $id.val();
  for (const entry of await leftBehind()) {
    const hasItsFields = await bringOptions(entry.options).then(
      () => true,
      () => false,
    );
    const isHere = id ? entry.id === id : !$id.val() && isEmpty(written());
    if (isHere && hasItsFields) {
      takeUp(entry);
    } else {
      storeLeft(entry);
    }
  }
}

export function startAutosave() {
  stored = fields();
  window.addEventListener("online", () => {
    if ($pill.attr("data-draft-state") === "offline") {
      later(0);
    }
  });
  findLeft();
}
