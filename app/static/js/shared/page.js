/* What the server gives to every page: its addresses, the sentences that scripts may show, and
   the numbers that both sides know (app/web/script_data.py). */
const page = JSON.parse(document.getElementById("page").textContent);

export const { numbers, person, saved, urls } = page;

/* A function that returns the sentence of a name, with {placeholders} filled in. */
export function speaker(words) {
  return (name, values = {}) =>
    words[name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

export const say = speaker(page.words);
