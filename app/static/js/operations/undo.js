/* The way back from a pause is there for as long as the server takes it. */
import { $ } from "../shared/jquery.js";

export function endUndoInTime() {
  $("[data-undo-ms]").each((_, form) => {
    setTimeout(() => $(form).remove(), $(form).data("undo-ms"));
  });
}
