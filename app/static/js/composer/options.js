/* What single accounts' posts have beyond their text: only what is ticked shows its options, and
   what was typed is kept and cleared with the rest. A light page has only those with something set:
   the others are made here, and their fields are fetched when somebody opens them. */
import { $ } from "../shared/jquery.js";
import { NOTICE_MS, notice, noticeSignedOut } from "../shared/messages.js";
import { say, templateOf } from "../shared/page.js";
import { fetchOptions } from "../shared/server.js";

const $form = $("#text").closest("form");
const $previews = $form.find("[data-previews]");
let $all = $();
const coming = new Map(); // account id -> promise of its fields
let shownFor = [];

function fieldsOf(one) {
  return $(one).find(":input[name]").not("[type='hidden']").get();
}

function fields() {
  return $all.get().flatMap(fieldsOf);
}

function isTick(field) {
  return field.type === "checkbox";
}

function readOf(field) {
  return isTick(field) ? field.checked : field.value;
}

/* By account and place, for several fields of a poll have one name. */
export function keptOptions() {
  const kept = $all.get().map((one) => [one.dataset.options, fieldsOf(one).map(readOf)]);
  return Object.fromEntries(kept.filter(([, values]) => values.length));
}

function isChanged(some) {
  return some.some((field) => readOf(field) !== asWritten(field));
}

export function hasOptions() {
  return isChanged(fields());
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

function setAll(one, values) {
  for (const [place, field] of fieldsOf(one).entries()) {
    const value = values[place];
    if (isTick(field)) {
      field.checked = Boolean(value);
    } else if (value !== undefined) {
      field.value = value;
    }
  }
}

export function restoreOptions(kept) {
  for (const one of $all.get()) {
    const values = kept?.[one.dataset.options];
    if (values?.length === fieldsOf(one).length) {
      setAll(one, values);
      one.open ||= isChanged(fieldsOf(one));
    }
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
  shownFor = ids;
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

/* Fetch the fields of an account, once. */
function bring(one) {
  const id = one.dataset.options;
  if (one.childElementCount > 1) {
    return Promise.resolve();
  }
  if (!coming.has(id)) {
    const put = ($fields) => {
      $(one).append($fields);
      showOptionsOf(shownFor);
    };
    coming.set(
      id,
      Promise.resolve(fetchOptions(id).then(put)).finally(() => coming.delete(id)),
    );
  }
  return coming.get(id);
}

/* The promise of the fields for everything that was kept; it fails when they cannot be had. */
export function bringOptions(kept) {
  return Promise.all(
    $all
      .filter((_, one) => kept?.[one.dataset.options])
      .get()
      .map(bring),
  );
}

function open({ currentTarget: one }) {
  if (one.open) {
    bring(one).catch((response) => {
      one.open = false;
      if (response.status === 401) {
        noticeSignedOut();
      } else {
        notice(say("notReachedNow"), NOTICE_MS);
      }
    });
  }
}

function disclosureOf({ dataset }) {
  const $one = $(templateOf("options-template").firstElementChild.cloneNode(true));
  const words = $one.text().replace("{handle}", dataset.handle);
  $one.attr("data-options", dataset.accountId);
  $one.find("summary").text(words.replace("{network}", dataset.title));
  return $one[0];
}

/* In the order of the accounts; those that the page has stay as they are. */
export function startOptions() {
  for (const account of $form.find("[data-account-id]").get()) {
    const known = $form.find(`[data-options="${account.dataset.accountId}"]`)[0];
    $previews.before(known ?? disclosureOf(account));
  }
  $all = $form.find("[data-options]");
  $all.on("toggle", open);
}
