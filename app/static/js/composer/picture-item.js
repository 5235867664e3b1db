/* One picture of a field: an item of its list, with a hidden field that carries its id and a box
   for its description; the form sends those by itself. */
import { pictureWords } from "../shared/from-server.js";
import { $ } from "../shared/jquery.js";
import { announce } from "../shared/messages.js";
import { numbers, speaker, templateOf } from "../shared/page.js";
import { call } from "../shared/server.js";

const FIRST_LOOK_MS = 600;
const LONGEST_PAUSE_MS = 5000;
const PAUSE_GROWS_BY = 1.5;

export const say = speaker(pictureWords);
const template = templateOf("picture-template").firstElementChild;

/* A new item, not on the page yet; its description can be written while its picture is sent. */
export function newItem(fieldName) {
  const $item = $(template.cloneNode(true));
  const id = `alt-new-${Math.random().toString(36).slice(2)}`;
  $item.find("input[type='hidden']").attr("name", fieldName).prop("disabled", true);
  $item
    .find("textarea")
    .attr({ id, "aria-describedby": `hint-${id}` })
    .removeAttr("name");
  $item.find("label.form-label").attr("for", id);
  $item.find(".form-text").attr("id", `hint-${id}`);
  setState($item, "uploading");
  return $item;
}

export function isRefused($item) {
  return $item.attr("data-state") === "refused";
}

export function setState($item, state, sentence = "") {
  $item.attr("data-state", state);
  $item.find("[data-says]").text(sentence);
  $item.find("progress").prop("hidden", state !== "uploading");
}

export function refuse($item, sentence) {
  setState($item, "refused");
  $item.find("input[type='hidden']").prop("disabled", true);
  $item.find("textarea").prop("disabled", true);
  $item.find(".field-error").text(sentence);
  announce(sentence);
}

/* The fewest characters that a chosen network takes for a description. */
function mostAltCharacters() {
  const chosen = $("[data-alt-limit]").filter(":checked, [data-ticked]").get();
  const limits = chosen.map((one) => Number(one.dataset.altLimit));
  return limits.length ? Math.min(...limits) : numbers.altCharacters;
}

export function countAlt($item) {
  const count = [...$item.find("textarea").val()].length;
  $item.find(".picture-count").text(say("count", { count, most: mostAltCharacters() }));
}

/* What the item is called at its place in the list, and which of its buttons do something. */
export function numberItem($item, number, last) {
  const button = (which, word) => $item.find(which).attr("aria-label", say(word, { number }));
  $item.find("label.form-label").text(say("described", { number }));
  button("[data-move='-1']", "up").prop("disabled", number === 1);
  button("[data-move='1']", "down").prop("disabled", number === last);
  button("[data-remove]", "remove");
}

/* Show a picture as the server has it; ask again while a worker is at it. */
export function follow($item, picture, pause = FIRST_LOOK_MS) {
  if (!$item[0].isConnected) {
    return;
  }
  if (picture.state === "refused") {
    refuse($item, picture.error.message);
  } else if (picture.state === "ready") {
    $item.find("img").attr("src", picture.thumb_url).prop("hidden", false);
    setState($item, "ready");
    announce(say("ready", { number: $item.index() + 1 }));
  } else {
    setState($item, "processing", say("preparing"));
    const longer = Math.min(PAUSE_GROWS_BY * pause, LONGEST_PAUSE_MS);
    const again = (next) => follow($item, next, longer);
    setTimeout(() => call("GET", picture.url).then(again, () => again(picture)), pause);
  }
  $item.trigger("pictures:changed");
}

/* Give an item the picture that the server made of its file, and follow that. */
export function adopt($item, picture) {
  const id = `alt-${picture.id}`;
  $item.attr({ "data-picture": picture.id, "data-url": picture.url });
  $item.find("input[type='hidden']").val(picture.id).prop("disabled", false);
  $item.find("textarea").attr({ id, name: id, "aria-describedby": `alt-hint-${picture.id}` });
  $item.find("label.form-label").attr("for", id);
  $item.find(".form-text").attr("id", `alt-hint-${picture.id}`);
  follow($item, picture);
}
