/* What went wrong with the composer's form, said where the mistake is. */
import { $ } from "../shared/jquery.js";

const $form = $("#composer");
const $trouble = $("#trouble");

export function clearErrorOf($field) {
  $field.removeAttr("aria-invalid");
  $(`#${$field.attr("id")}-error`).empty();
}

export function clearErrors() {
  $trouble.empty();
  $form.find("[aria-invalid]").removeAttr("aria-invalid");
  $form.find(".field-error").empty();
}

/* What shows a mistake in a field and takes the focus: not every field can be seen. */
function visibleFor($field) {
  const $add = $field.closest("[data-pictures]").find("[data-add]");
  if ($add.length) {
    return $add;
  }
  return $field.prop("hidden") ? $("#picker") : $field;
}

/* Put the server's sentence where the mistake is, and the focus with it. */
export function showError(error) {
  const $named = $(`#${error.field}`).filter(":input");
  const $field = $named.length ? $named : $form.find(`[name="${error.field}"]`).first();
  const $place = $(`#${error.field}-error`);
  if (!$place.length) {
    $trouble.text(error.message);
    return;
  }
  $place.text(error.message).closest("details").prop({ open: true, hidden: false });
  visibleFor($field).attr("aria-invalid", "true").trigger("focus");
}

/* Say what went wrong with the whole, and beside it what helps. */
export function showTrouble(sentence, $help) {
  $trouble.text(`${sentence} `).append($help);
}
