/* The texts of single accounts: where the page has no fields for them, they are made here. */
import { $ } from "../shared/jquery.js";
import { templateOf } from "../shared/page.js";

const $form = $("#text").closest("form");
const $variants = $form.find("[data-variants]");

function variantOf({ dataset }) {
  const id = dataset.accountId;
  const name = `variant-${id}`;
  const $variant = $(templateOf("variant-template").firstElementChild.cloneNode(true));
  const $label = $variant.find("label");
  const words = $label.text().replace("{handle}", dataset.handle);
  $label.attr("for", name).text(words.replace("{network}", dataset.title));
  $variant.attr("data-variant", id).find("[data-writing]").attr("data-account", id);
  $variant.find("textarea").attr({ id: name, name, "aria-describedby": `${name}-error` });
  $variant.find(".field-error").attr("id", `${name}-error`);
  const $thread = $variant.find("[data-thread]").attr("data-thread", name);
  if (!dataset.threads) {
    $thread.remove();
  }
  return $variant[0];
}

/* Before counters and threads, which look for the fields. */
export function startVariants() {
  if (!$variants.find("[data-variant]").length) {
    $variants.append($form.find("[data-account-id]").get().map(variantOf));
  }
}
