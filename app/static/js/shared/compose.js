/* The composer in a dialog, on any page: fetched when it is first opened, and kept while the page is
   open. What is written there is saved as on its own page. Where it cannot be, its page is opened. */
import { $ } from "./jquery.js";
import { urls } from "./page.js";
import { fetchPart } from "./server.js";

export const WRITE = "#write";
const OPENS_IT = ".menu .to-compose, [data-compose], main a[href*='?when=']"; // the last: slots of the calendar

let opening = null;

function isHere(id) {
  return Boolean(document.getElementById(id));
}

/* Some pages have fields of the same names. */
function fits($part) {
  return !$part
    .find("[id]")
    .get()
    .some((one) => isHere(one.id));
}

async function bring(when) {
  const $part = await fetchPart(urls.composer, "dialog", when && { when });
  if (!fits($part)) {
    throw new Error("the page has such fields");
  }
  const [dialog] = $part.filter("dialog").appendTo(document.body);
  await import(dialog.dataset.module);
}

/* A message has to be in the dialog to be seen and heard while it is open. */
function show(when) {
  if (when) {
    $("#when").val(when).trigger("input");
  }
  const dialog = document.getElementById("compose");
  const messages = $("#notice, #announcer").get();
  dialog.append(...messages);
  dialog.addEventListener("close", () => document.body.append(...messages), { once: true });
  dialog.showModal();
  document.getElementById("text").focus();
}

/* Open it here, or go to its page.

   when: a time to begin with; address: its page. */
export function compose(when = "", address = urls.signIn) {
  if (opening) {
    return;
  }
  if (isHere("composer") && !isHere("compose")) {
    document.getElementById("text").focus();
    return;
  }
  opening = (isHere("compose") ? Promise.resolve(when) : bring(when))
    .then(show, () => location.assign(`${address}${WRITE}`))
    .finally(() => {
      opening = null;
    });
}

export function startCompose() {
  $(document).on("click", OPENS_IT, (event) => {
    const isPlain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (isPlain) {
      event.preventDefault();
      const { href } = event.currentTarget;
      compose(new URL(href).searchParams.get("when"), href);
    }
  });
  $(document).on("click", "#compose [data-close]", ({ target }) =>
    target.closest("dialog").close(),
  );
  if (location.hash === WRITE) {
    history.replaceState(history.state, "", location.pathname + location.search);
    compose();
  }
}
