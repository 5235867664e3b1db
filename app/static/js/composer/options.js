/* What single accounts' posts have beyond their text: only what is ticked shows its options, and
   what was typed is kept and cleared with the rest. */
import { $ } from "../shared/jquery.js";

const $form = $("#text").closest("form");
const $all = $form.find("[data-options]");

function fields() {
  return $all.find(":input[name]").not("[type='hidden']").get();
}

function isTick(field) {
  return field.type === "checkbox";
}

/* By place, for several fields of a poll have one name. */
export function keptOptions() {
  return fields().map((field) => (isTick(field) ? field.checked : field.value));
}

export function hasOptions() {
  return keptOptions().join() !== fields().map(asWritten).join();
}

function asWritten(field) {
  if (isTick(field)) {
    return field.defaultChecked;
  }
  if (!field.options) {
    return field.defaultValue;
  }
  return (Array.from(field.options).find((one) => one.defaultSelected) ?? field.options[0]).value;
}

function setAll(values) {
  for (const [place, field] of fields().entries()) {
    const value = values[place];
    if (isTick(field)) {
      field.checked = Boolean(value);
    } else if (value !== undefined) {
      field.value = value;
    }
  }
}

export function restoreOptions(kept) {
  if (kept?.length === fields().length) {
    setAll(kept);
    $all.prop("open", (_, wasOpen) => wasOpen || hasOptions());
  }
}

/* Without what a refused form came back with, too. */
export function clearOptions() {
  for (const field of fields()) {
    if (isTick(field)) {
      field.checked = false;
    } else if (field.options) {
      field.value = asWritten(field);
    } else {
      field.value = "";
    }
  }
  $all.prop("open", false);
}

/* What is not sent is neither shown nor counted. */
export function showOptionsOf(ids) {
  for (const one of $all.get()) {
    const isFor = ids.includes(one.dataset.options);
    $(one).prop("hidden", !isFor).find(":input").prop("disabled", !isFor);
  }
}

/* The content warning of an account, which its network counts with the text. */
export function warningOf(id) {
  const warning = $all.filter(`[data-options="${id}"]`).find("[data-counts]").val();
  return (warning ?? "").trim();
}
