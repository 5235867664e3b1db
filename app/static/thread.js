/* Further parts of a thread: added below the last one, taken away one by one. */
(function ($) {
  "use strict";

  const MOST = 24;
  const page = window.TweetLater;
  const $parts = $("#parts");
  const template = $("#part-template").html();
  const $add = $("#add-part");

  /* Names and numbers follow the order. */
  function renumber() {
    $parts.children().each(function (index) {
      const id = `part-${index + 1}`;
      const $part = $(this);
      const label = page.say("part", { number: index + 2 });
      $part.find("textarea").attr({ id, placeholder: label, "aria-describedby": `${id}-error` });
      $part.find("label").attr("for", id).text(label);
      $part.find(".field-error").attr("id", `${id}-error`);
      $part.find("[data-remove-part]").attr("aria-label", page.say("removePart", { number: index + 2 }));
    });
    $add.prop("disabled", $parts.children().length >= MOST);
    page.count();
  }

  function add(text = "") {
    const $part = $($.parseHTML(template.trim())).filter("[data-part]");
    $part.find("textarea").val(text);
    $parts.append($part);
    renumber();
    return $part;
  }

  function clear() {
    $parts.empty();
    renumber();
  }

  $add.on("click", () => add().find("textarea").trigger("focus"));
  $parts.on("click", "[data-remove-part]", function () {
    const $part = $(this).closest("[data-part]");
    const $next = $part.next().add($part.prev()).first().find("textarea");
    $part.remove();
    renumber();
    ($next.length ? $next : $add).trigger("focus");
    $("#text").trigger("input");
  });
  renumber();
  page.thread = { add, clear };
})(jQuery);
