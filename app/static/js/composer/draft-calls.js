/* Storing what was written as a draft on the server: what is in the composer, and what was left. */
import { unstored } from "../shared/drafts.js";
import { $ } from "../shared/jquery.js";
import { notice } from "../shared/messages.js";
import { say, urls } from "../shared/page.js";
import { call } from "../shared/server.js";
import { saysTheSame } from "./composer-draft.js";

const TIMEOUT_MS = 8000;

/* Store an entry; the promise is of the answer. */
export function store({ id, version, fields, first, submitId }) {
  if (id) {
    const headers = { "If-Match": `"${version}"` };
    return call("PUT", `${urls.drafts}/${id}`, { timeout: TIMEOUT_MS, data: fields, headers });
  }
  const headers = { "Idempotency-Key": submitId };
  return call("POST", urls.drafts, { timeout: TIMEOUT_MS, data: first ?? fields, headers });
}

/* What belongs to no open composer is stored from here; what is gone or changed, as a new draft. */
export function storeLeft(entry) {
  const done = () => {
    unstored.forget(entry.submitId);
    const $link = $("<a>", { href: urls.drafts, text: say("draftsLeft") });
    notice($link, 0);
  };
  const theRest = ({ draft }) =>
    entry.first && entry.first !== entry.fields
      ? store({ ...entry, id: draft.id, version: draft.version })
      : null;
  store(entry)
    .then(theRest)
    .then(done, ({ status, responseJSON }) => {
      if (status === 412 && saysTheSame(entry, responseJSON.draft)) {
        unstored.forget(entry.submitId);
      } else if (status === 404 || status === 412) {
        store({ ...entry, id: "", first: null, submitId: `${entry.submitId} left` }).then(done);
      }
    });
}
