/* The ticks on cards: each card that something can be done with has one. */
import { $ } from "../shared/jquery.js";
import { templateOf } from "../shared/page.js";

export function tickedBoxes() {
  return $(".tick:checked");
}

/* Give these cards their ticks. */
export function addTicks($cards) {
  for (const card of $cards.get()) {
    const hasActions = card.querySelector("[formaction]");
    if (hasActions && !card.querySelector(".tick")) {
      const box = templateOf("tick-template").cloneNode(true).querySelector("input");
      box.value = card.dataset.tweet;
      box.setAttribute("aria-labelledby", card.getAttribute("aria-labelledby"));
      card.prepend(box);
    }
  }
}

/* A newer card in the place of one that was ticked. */
export function keepTick($old, $fresh) {
  if ($old.find(".tick").length) {
    addTicks($fresh);
    $fresh.find(".tick").prop("checked", $old.find(".tick").prop("checked"));
  }
}
