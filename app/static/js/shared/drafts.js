/* What is written and not stored yet, kept while this tab is open, for its own writer only. */
import { $ } from "./jquery.js";
import { person, saved } from "./page.js";

function draftAt(key) {
  return {
    read: () => JSON.parse(sessionStorage.getItem(key) ?? "null"),
    keep: (value) => sessionStorage.setItem(key, JSON.stringify({ ...value, owner: person })),
    forget: () => sessionStorage.removeItem(key),
  };
}

export const draft = draftAt("tweet-later:draft");
export const editDraft = draftAt("tweet-later:edit");
const ALL = [draft, editDraft];

/* Forget what was stored meanwhile, what is somebody else's, and everything at signing out.

   A session that ended keeps drafts for the same person; nobody else gets to see them. */
export function startDrafts() {
  $(document).on("submit", "[data-sign-out]", () => {
    for (const one of ALL) {
      one.forget();
    }
  });
  for (const one of ALL) {
    if (person && one.read() && one.read().owner !== person) {
      one.forget();
    }
  }
  if (saved.includes(editDraft.read()?.tweet)) {
    editDraft.forget();
  }
}
