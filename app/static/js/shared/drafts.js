/* What is written and not stored yet, kept in this browser, for its own writer only.

   What is written in a composer is kept by its submit id, until the server has it: a browser that was
   killed finds it again. Changes on an edit page are kept while the tab is open. */
import { $ } from "./jquery.js";
import { person, saved } from "./page.js";

const UNSTORED = "tweet-later:draft:";
const EDIT = "tweet-later:edit";

function parsed(text) {
  return JSON.parse(text ?? "null");
}

export const editDraft = {
  read: () => parsed(sessionStorage.getItem(EDIT)),
  keep: (value) => sessionStorage.setItem(EDIT, JSON.stringify({ ...value, owner: person })),
  forget: () => sessionStorage.removeItem(EDIT),
};

export const unstored = {
  keep: (value) => {
    const entry = { ...value, owner: person, at: Date.now() };
    localStorage.setItem(UNSTORED + value.submitId, JSON.stringify(entry));
    hold(value.submitId);
  },
  forget: (submitId) => localStorage.removeItem(UNSTORED + submitId),
};

let held = null;

/* Let other tabs see that this one is still writing it. */
function hold(submitId) {
  if (held !== submitId && navigator.locks) {
    held = submitId;
    navigator.locks.request(UNSTORED + submitId, () => new Promise(() => {}));
  }
}

function keys() {
  return Object.keys(localStorage).filter((key) => key.startsWith(UNSTORED));
}

/* What no open tab is writing, the newest first. */
export async function leftBehind() {
  const locks = navigator.locks ? (await navigator.locks.query()).held : [];
  const names = new Set(locks.map((lock) => lock.name));
  const left = keys().filter((key) => !names.has(key));
  return left.map((key) => parsed(localStorage.getItem(key))).sort((one, two) => two.at - one.at);
}

function forgetEverything() {
  editDraft.forget();
  for (const key of keys()) {
    localStorage.removeItem(key);
  }
}

/* Forget what was stored meanwhile, what is somebody else's, and everything at signing out.

   A session that ended keeps what was written for the same person; nobody else gets to see it. */
export function startDrafts() {
  $(document).on("submit", "[data-sign-out]", forgetEverything);
  if (person && editDraft.read() && editDraft.read().owner !== person) {
    editDraft.forget();
  }
  for (const key of keys()) {
    if (person && parsed(localStorage.getItem(key)).owner !== person) {
      localStorage.removeItem(key);
    }
  }
  if (saved.includes(editDraft.read()?.tweet)) {
    editDraft.forget();
  }
}
