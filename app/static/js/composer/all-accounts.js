/* One tick for every account: it ticks the others, and is ticked while all of them are. */
import { $ } from "../shared/jquery.js";

const $all = $("#composer [data-all-accounts]");
const $each = $("#composer [name='accounts'][data-account-id]");

function follow() {
  $all.prop("checked", $each.length > 0 && $each.get().every((box) => box.checked));
}

export function startAllAccounts() {
  $all.removeAttr("name"); // what is sent is what is ticked below, and no account that came since
  $all.on("change", () => {
    $each.prop("checked", $all.prop("checked"));
    $each.first().trigger("change"); // counters and drafts follow the boxes
  });
  $each.on("change", follow);
  follow();
}
