/* A button below the time field with the next best hour of the account that is chosen. It is asked
   for once somebody wants another time than now. */
import { $ } from "../shared/jquery.js";
import { say, urls } from "../shared/page.js";
import { call } from "../shared/server.js";
import { mode, setTime } from "./time-field.js";

const $form = $("#composer");
const $chip = $("<button>", { type: "button", class: "shortcut", hidden: true });
let shownFor = null;

function firstAccount() {
  return $form.find("[data-account-id]").filter(":checked, [data-ticked]").first().val();
}

function show({ next }) {
  $chip.prop("hidden", !next);
  if (next) {
    $chip.text(say("bestHour", { when: next.label })).attr("data-moment", next.when);
  }
}

function ask() {
  const account = firstAccount();
  if (mode() !== "later" || !account || account === shownFor) {
    return;
  }
  shownFor = account;
  call("GET", urls.hours, { data: { account } }).then(show, () => $chip.prop("hidden", true));
}

export function startBestHour() {
  $form.find(".shortcuts [data-pick]").before($chip);
  $chip.on("click", () => setTime($chip.attr("data-moment")));
  $form.on("change", "[name='mode'], [name='accounts']", ask);
  $form.on("focusin input", "#when", ask);
}
