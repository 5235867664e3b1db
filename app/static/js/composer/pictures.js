/* The pictures of all parts on the page: one field for each part. */
import { $ } from "../shared/jquery.js";
import { say } from "../shared/page.js";
import { PictureField } from "./picture-field.js";

let fields = [];

export function startPictures() {
  fields = $("[data-pictures]")
    .get()
    .map((root) => new PictureField(root));
}

export function pictureFields() {
  return fields;
}

function fieldAt(root) {
  return fields.find((one) => one.root === root);
}

export function attachPictures(root) {
  fields.push(new PictureField(root));
}

/* Before a part is taken away with its pictures. */
export function detachPictures(root) {
  fieldAt(root).forgetAll();
  fields = fields.filter((one) => one.root !== root);
}

/* Parts follow their order: the pictures of the first one after the start have the number 1. */
export function renamePictures(root, number) {
  fieldAt(root).rename(`pictures-${number}`, say("picturesOf", { number: number + 1 }));
}

/* What a draft has to know of all pictures, by the names of their fields. */
export function keptPictures() {
  return fields.map((one) => [one.name, one.kept()]).filter(([, pictures]) => pictures.length);
}

export function restorePictures(all) {
  for (const [name, pictures] of all) {
    const field = fields.find((one) => one.name === name);
    for (const picture of field ? pictures : []) {
      field.restore(picture);
    }
  }
}

export function clearPictures() {
  for (const one of fields) {
    one.clear();
  }
}
