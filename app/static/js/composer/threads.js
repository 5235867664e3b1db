/* Further parts of a thread, the shared one or an account's own: added below the last one, taken
   away one by one. */
import { $ } from "../shared/jquery.js";
import { numbers, say, templateOf } from "../shared/page.js";
import { count } from "./counters.js";
import { attachPictures, detachPictures, renamePictures } from "./pictures.js";

const FURTHER_PARTS = numbers.parts - 1;

class Thread {
  constructor(root) {
    this.name = root.dataset.thread;
    this.$parts = $(root).children("[data-parts]");
    this.account = $(root).closest("[data-variant]").data("variant"); // whose own it is
    const name = this.account ? "own-part-template" : "part-template";
    this.template = templateOf(name).firstElementChild;
    if (this.account) {
      root.append(templateOf("add-part-template").cloneNode(true));
    }
    this.$add = $(root).find("[data-add-part]");
    this.$add.on("click", () => {
      this.add().trigger("focus");
      count();
    });
    this.$parts.on("click", "[data-remove-part]", (event) =>
      this.remove($(event.currentTarget).closest("[data-part]")),
    );
    this.renumber();
  }

  /* Names and numbers follow the order. */
  renumber() {
    this.$parts.children().each((index, part) => this.number($(part), index + 1));
    this.$add.prop("disabled", this.$parts.children().length >= FURTHER_PARTS);
  }

  number($part, place) {
    const number = place + 1;
    const id = `${this.name}-${place}`;
    const label = say("part", { number });
    const described = `${id}-error`;
    $part
      .find("[data-writing] textarea")
      .attr({ id, placeholder: label, "aria-describedby": described });
    $part.find("[data-writing] label").attr("for", id).text(label);
    $part.children(".field-error").attr("id", described);
    $part.find("[data-remove-part]").attr("aria-label", say("removePart", { number }));
    $part.find("[data-pictures]").each((_, field) => renamePictures(field, place));
  }

  /* Add a part below the last one; return its text box. */
  add(text = "") {
    const $part = $(this.template.cloneNode(true));
    $part.find("textarea").val(text);
    if (this.account) {
      $part.find("textarea").attr("name", this.name);
      $part.find("[data-writing]").attr("data-account", this.account);
    }
    this.$parts.append($part);
    $part.find("[data-pictures]").each((_, field) => attachPictures(field));
    this.renumber();
    return $part.find("[data-writing] textarea");
  }

  drop($some) {
    $some.find("[data-pictures]").each((_, field) => detachPictures(field));
    $some.remove();
    this.renumber();
  }

  remove($part) {
    const $next = $part.next().add($part.prev()).first().find("[data-writing] textarea");
    this.drop($part);
    ($next.length ? $next : this.$add).trigger("focus");
    $("#text").trigger("input");
  }

  boxes() {
    return this.$parts.find("[data-writing] textarea").get();
  }

  texts() {
    return this.boxes().map((box) => box.value);
  }

  clear() {
    this.drop(this.$parts.children());
  }
}

export let threads = [];

export function startThreads() {
  threads = $("[data-thread]")
    .get()
    .map((root) => new Thread(root));
}
