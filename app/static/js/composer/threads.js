/* Further parts of a thread, the shared one or an account's own: added below the last one, taken
   away one by one. */
(function ($) {
  "use strict";

  const MOST = 24;
  const page = window.TweetLater;

  function thread(root) {
    const name = root.dataset.thread;
    const $parts = $(root).children("[data-parts]");
    const template = $(root).children("template")[0].content.firstElementChild;
    const $add = $(root).find("[data-add-part]");

    /* Names and numbers follow the order. */
    function renumber() {
      $parts.children().each(function (index) {
        const [number, id] = [index + 2, `${name}-${index + 1}`];
        const $part = $(this);
        const label = page.say("part", { number });
        $part.find("[data-writing] textarea").attr({ id, placeholder: label, "aria-describedby": `${id}-error` });
        $part.find("[data-writing] label").attr("for", id).text(label);
        $part.children(".field-error").attr("id", `${id}-error`);
        $part.find("[data-remove-part]").attr("aria-label", page.say("removePart", { number }));
        $part.find("[data-pictures]").each((_, field) => page.pictures.rename(field, index + 1));
      });
      $add.prop("disabled", $parts.children().length >= MOST);
    }

    function add(text = "") {
      const $part = $(template.cloneNode(true));
      $part.find("textarea").val(text);
      $parts.append($part);
      $part.find("[data-pictures]").each((_, field) => page.pictures.attach(field));
      renumber();
      return $part.find("[data-writing] textarea");
    }

    function drop($some) {
      $some.find("[data-pictures]").each((_, field) => page.pictures.detach(field));
      $some.remove();
      renumber();
    }

    $add.on("click", () => {
      add().trigger("focus");
      page.count();
    });
    $parts.on("click", "[data-remove-part]", function () {
      const $part = $(this).closest("[data-part]");
      const $next = $part.next().add($part.prev()).first().find("[data-writing] textarea");
      drop($part);
      ($next.length ? $next : $add).trigger("focus");
      $("#text").trigger("input");
    });
    function texts() {
      return $parts.find("[data-writing] textarea").get().map((box) => box.value);
    }

    renumber();
    return { name, add, texts, clear: () => drop($parts.children()) };
  }

  page.threads = $("[data-thread]").get().map(thread);
})(jQuery);
