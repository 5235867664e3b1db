/* What the server gives: to each page who reads it, and to everybody its addresses, sentences,
   templates, and the numbers that both sides know (app/web/script_data.py). */
import { numbers, templates, urls, words } from "./from-server.js";

export { numbers, urls };

export const { person, saved } = JSON.parse(document.getElementById("page").textContent);

/* A function that returns the sentence of a name, with {placeholders} filled in. */
export function speaker(words) {
  return (name, values = {}) =>
    words[name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

export const say = speaker(words);

const holder = document.createElement("div");
holder.innerHTML = templates;

/* What is in a template; to be cloned. */
export function templateOf(id) {
  return holder.querySelector(`#${id}`).content;
}
