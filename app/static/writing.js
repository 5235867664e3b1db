/* The counter under the text box: X's own weights, amber when near the limit, red when over. */
(function ($) {
  "use strict";

  const NEAR = 20;
  const ANNOUNCE_AFTER_MS = 1200;
  const { say, announce } = window.TweetLater;

  const $text = $("#text");
  const $counter = $("#counter");
  const limit = Number($text.data("limit"));
  let announcing = null;

  function levelOf(left) {
    if (left < 0) {
      return "over";
    }
    return left <= NEAR ? "near" : "fine";
  }

  function sentenceOf(left) {
    return left < 0 ? say("over", { count: -left }) : say("left", { count: left });
  }

  /* Screen readers hear the count only near the limit, and only in a pause of the typing. */
  function announceSoon(left, level) {
    clearTimeout(announcing);
    if (level !== "fine") {
      announcing = setTimeout(() => announce(sentenceOf(left)), ANNOUNCE_AFTER_MS);
    }
  }

  function count() {
    const length = window.TweetCounter.length($text.val());
    const left = limit - length;
    const level = levelOf(left);
    const filled = Math.min(100, (100 * length) / limit);
    $counter.attr("data-level", level);
    $("#counter-words").text(level === "over" ? sentenceOf(left) : `${length} / ${limit}`);
    $counter.find(".ring-filled").attr({ "stroke-dasharray": `${filled} 100`, display: length ? null : "none" });
    return [left, level];
  }

  $text.on("input", () => announceSoon(...count()));
  $text.closest("form").on("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.currentTarget.requestSubmit();
    }
  });
  count();
  window.TweetLater.count = count;
})(jQuery);
