/* Selections of accounts and sets of hashtags: a button for each, in place of the lists that are
   there without scripts. */
import { $ } from "../shared/jquery.js";
import { announce } from "../shared/messages.js";
import { say } from "../shared/page.js";
import { showError } from "./trouble.js";

const $form = $("#composer");
const $accounts = $form.find("[name='accounts'][data-account-id]");
let box = $("#text")[0]; // where the cursor was last

/* Put words where the cursor is, apart from what stands beside them. */
function insert(words) {
  const before = box.value.slice(0, box.selectionStart);
  const after = box.value.slice(box.selectionEnd);
  const start = /\S$/.test(before) ? " " : "";
  const end = /^\S/.test(after) ? " " : "";
  box.setRangeText(`${start}${words}${end}`, box.selectionStart, box.selectionEnd, "end");
  $(box).trigger("input").trigger("focus");
}

/* Tick the accounts of a selection, and no others. */
function tick(name, ids) {
  if (!ids.length) {
    showError({ field: "accounts", message: say("emptySelection", { name }) });
    return;
  }
  for (const account of $accounts.get()) {
    account.checked = ids.includes(account.value);
  }
  $accounts.first().trigger("change"); // counters and drafts follow the boxes
  announce(say("tickedAccounts", { name, count: ids.length }));
}

function buttonOf(option) {
  const name = option.text;
  const { words, accounts } = option.dataset;
  const $button = $("<button>", { type: "button", class: "shortcut", text: name });
  return $button.on("click", () => {
    if (words) {
      insert(words);
    } else {
      tick(name, accounts.split(" ").filter(Boolean));
    }
  });
}

function replaceList(root) {
  const $list = $(root).find("select");
  const id = `${$list.attr("id")}-label`;
  const $label = $("<span>", { id, class: "quiet", text: $(root).find("label").text() });
  const buttons = $list.find("option[value!='']").get().map(buttonOf);
  $(root).attr({ role: "group", "aria-labelledby": id }).empty().append($label, buttons);
}

export function startSavedWords() {
  $form.find("[data-picks]").each((_, root) => replaceList(root));
  $form.on("focusin", "[data-writing] textarea", (event) => {
    box = event.currentTarget;
  });
}
