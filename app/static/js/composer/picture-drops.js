/* Pictures that are pasted or dropped, and a form that waits until its pictures are uploaded. */
import { pictureFields } from "./pictures.js";

/* The field that a paste or a drop is meant for: the nearest one around or behind the place. */
function nearest(target) {
  const group = target.closest("[data-part]:has([data-pictures])") ?? target.closest("form");
  return pictureFields().find((one) => group?.contains(one.root));
}

function picturesIn(transfer) {
  return [...(transfer?.files ?? [])].filter((file) => file.type.startsWith("image/"));
}

function takeFrom(event, transfer) {
  const one = nearest(event.target);
  const files = picturesIn(transfer);
  if (one && files.length) {
    event.preventDefault();
    one.take(files);
  }
}

function hold(event) {
  const busy = pictureFields().find((one) => event.target.contains(one.root) && one.isBusy());
  if (busy) {
    event.preventDefault();
    event.stopImmediatePropagation();
    busy.askToWait();
  }
}

export function startPictureDrops() {
  for (const form of new Set(pictureFields().map((one) => one.root.closest("form")))) {
    form.addEventListener("paste", (event) => takeFrom(event, event.clipboardData));
    form.addEventListener("dragover", (event) => {
      if (event.dataTransfer?.types.includes("Files")) {
        event.preventDefault();
      }
    });
    form.addEventListener("drop", (event) => takeFrom(event, event.dataTransfer));
    form.addEventListener("submit", hold, true); // before whoever sends the form
  }
}
