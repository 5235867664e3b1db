/* The pictures of one part of a tweet: a list, a button that adds files, and what is on its way. */
import { pictureTypes } from "../shared/from-server.js";
import { $ } from "../shared/jquery.js";
import { announce } from "../shared/messages.js";
import { numbers, templateOf } from "../shared/page.js";
import { call } from "../shared/server.js";
import * as item from "./picture-item.js";
import { upload } from "./picture-upload.js";

const { say } = item;

export class PictureField {
  constructor(root) {
    this.root = root;
    this.$root = $(root);
    this.$list = this.$root.find("[data-list]");
    this.$list.after(templateOf("picture-add-template").cloneNode(true));
    this.$root.find("[data-hint]").prop("hidden", this.name !== "pictures");
    this.$add = this.$root.find("[data-add]");
    this.$files = this.$root.find("[data-files]").attr("accept", pictureTypes);
    this.$error = this.$root.children(".field-error");
    this.listen();
    this.each(($item) => this.takeOver($item));
    this.renumber();
  }

  get name() {
    return this.root.dataset.name;
  }

  items() {
    return this.$list.children();
  }

  each(act) {
    this.items().each((_, element) => void act($(element)));
  }

  listen() {
    const itemOf = (event) => $(event.currentTarget).closest("li");
    this.$add.on("click", () => this.$files.trigger("click"));
    this.$files.on("change", () => this.takeChosen());
    this.$list.on("click", "[data-remove]", (event) => this.remove(itemOf(event)));
    this.$list.on("click", "[data-move]", (event) =>
      this.move(itemOf(event), $(event.currentTarget)),
    );
    this.$list.on("input", "textarea", (event) => item.countAlt(itemOf(event)));
    $(document).on("change", "[name='accounts']", () => this.each(item.countAlt));
  }

  /* An item that the server wrote. */
  takeOver($item) {
    item.countAlt($item);
    if (item.isRefused($item)) {
      item.refuse($item, $item.find(".field-error").text());
    } else if ($item.attr("data-state") === "processing") {
      item.follow($item, { state: "processing", url: $item.attr("data-url") });
    }
  }

  complain(sentence) {
    this.$error.text(sentence);
    announce(sentence);
  }

  renumber() {
    const last = this.items().length;
    this.each(($item) => item.numberItem($item, $item.index() + 1, last));
    this.$add.prop("disabled", last >= numbers.pictures);
    this.$root.trigger("pictures:changed");
  }

  takeChosen() {
    const before = this.items().length;
    this.take([...this.$files[0].files]);
    this.$files.val("");
    this.items().eq(before).find("textarea").trigger("focus"); // a description is asked for
  }

  /* Add these files, as many as there is room for. */
  take(files) {
    this.$error.empty();
    for (const file of files) {
      if (this.items().length >= numbers.pictures) {
        this.complain(say("tooMany"));
        break;
      }
      if (file.size > numbers.pictureBytes) {
        this.complain(say("tooHeavy", { name: file.name }));
      } else {
        this.begin(file);
      }
    }
    this.renumber();
  }

  begin(file) {
    const $item = item.newItem(this.name).appendTo(this.$list);
    const sentence = say("uploading", { name: file.name });
    $item.find("progress").attr("aria-label", sentence);
    item.setState($item, "uploading", sentence);
    item.countAlt($item);
    upload($item, file, this.$root.data("url")).always(() => {
      this.$root.trigger("pictures:changed");
    });
  }

  /* Show a picture again that was added before the page was left; one that is gone stays away. */
  restore({ url, alt }) {
    const $item = item.newItem(this.name).appendTo(this.$list).attr("data-url", url);
    $item.find("textarea").val(alt);
    item.countAlt($item);
    call("GET", url)
      .then(
        (picture) => item.adopt($item, picture),
        () => void $item.remove(),
      )
      .always(() => this.renumber());
  }

  /* What a draft has to know of the pictures. */
  kept() {
    return this.items()
      .get()
      .filter((element) => element.dataset.url && !item.isRefused($(element)))
      .map((element) => ({
        url: element.dataset.url,
        alt: $(element).find("textarea").val(),
      }));
  }

  forget($item) {
    $item.data("request")?.abort();
    if ($item.attr("data-picture")) {
      call("DELETE", $item.attr("data-url")); // a tweet's own stays; what is left over is swept
    }
    $item.remove();
  }

  forgetAll() {
    this.each(($item) => this.forget($item));
  }

  remove($item) {
    const $next = $item.next().add($item.prev()).first();
    this.forget($item);
    this.renumber();
    announce(say("removed"));
    ($next.find("[data-remove]")[0] ?? this.$add[0]).focus();
  }

  move($item, $button) {
    if ($button.data("move") < 0) {
      $item.insertBefore($item.prev());
    } else {
      $item.insertAfter($item.next());
    }
    this.renumber();
    announce(say("moved", { number: $item.index() + 1 }));
    const $usable = $button.prop("disabled") ? $item.find("[data-move]:enabled") : $button;
    $usable.trigger("focus");
  }

  isBusy() {
    return this.items().filter("[data-state='uploading']").length > 0;
  }

  askToWait() {
    this.complain(say("wait"));
  }

  /* The name tells the server which part of the thread the pictures belong to. */
  rename(name, label) {
    this.$root.attr({ "data-name": name, "aria-label": label });
    const $hidden = this.$list.find("input[type='hidden']");
    this.$root.children("input").add($hidden).attr("name", name);
    this.$error.attr("id", `${name}-error`);
  }

  /* After the tweet is stored: the pictures are its own now. */
  clear() {
    this.$list.empty();
    this.$error.empty();
    this.renumber();
  }
}
