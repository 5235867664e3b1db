/* How a tweet will look on each ticked account, beside the text, while it is written. */
import { $ } from "../shared/jquery.js";
import { templateOf } from "../shared/page.js";
import { warningOf } from "./options.js";
import { signed } from "./signatures.js";
import { threads } from "./threads.js";

const $form = $("#text").closest("form");
const $previews = $form.find("[data-previews]");
const LINK = /https?:\/\/[^\s<>"]+/i;

function textsOf(id) {
  const own = threads.find((one) => one.name === `variant-${id}`);
  const first = $form.find(`#variant-${id}`).val() ?? "";
  const texts = [first, ...(own ? own.texts() : [])].filter((text) => text.trim());
  if (texts.length) {
    return texts;
  }
  const shared = threads.find((one) => one.name === "part");
  return [$("#text").val(), ...(shared ? shared.texts() : [])].filter((text) => text.trim());
}

/* Which card stands below a post: of the chosen link, or of the first in its text. */
function cardOf(dataset, text) {
  const chosen = $form.find(`[name="options-${dataset.accountId}-link"]`).val();
  return chosen?.trim() || LINK.exec(text)?.[0] || "";
}

function hostOf(address) {
  try {
    return new URL(address).host;
  } catch {
    return address;
  }
}

function postOf({ dataset }, text) {
  const $post = $(templateOf("preview-template").firstElementChild.cloneNode(true));
  const warning = warningOf(dataset.accountId);
  const card = cardOf(dataset, text);
  $post.find("[data-handle]").text(`@${dataset.handle}`);
  $post.find("[data-title]").text(dataset.title);
  $post.find(".avatar").text(dataset.handle.slice(0, 1));
  $post.find("[data-warning]").text(warning).prop("hidden", !warning);
  $post.find("[data-text]").text(text);
  $post.find("[data-card]").text(hostOf(card)).prop("hidden", !card);
  return $post;
}

function joined(texts, { dataset }) {
  return dataset.threads ? texts : [texts.join("\n\n")].filter(Boolean);
}

export function showPreviews() {
  if (!$previews.prop("open")) {
    return;
  }
  const accounts = $form.find("[data-account-id]").filter(":checked, [data-ticked]").get();
  const posts = accounts.flatMap((account) =>
    joined(textsOf(account.dataset.accountId), account).map((text, place, all) =>
      postOf(account, place === all.length - 1 ? signed(text, account) : text),
    ),
  );
  $previews.find("[data-posts]").empty().append(posts);
}

export function startPreviews() {
  $previews.on("toggle", showPreviews);
  $form.on("input change", showPreviews);
}
