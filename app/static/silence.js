/* Shows and hides "Nothing is being sent right now" while the page is open.

   The server is asked only while a tweet is overdue here, or while the banner is up. */
(function ($) {
  "use strict";

  const LOOK_EVERY_MS = 15000;
  const OVERDUE_MS = 10000;
  const { urls, call } = window.TweetLater;

  const $banner = $("#silence");

  function somethingIsOverdue() {
    const due = $("[data-job][data-state='scheduled'] time").get();
    return due.some((time) => Date.parse(time.dateTime) < Date.now() - OVERDUE_MS);
  }

  function hear(response) {
    const failing = response.responseJSON?.failing ?? [];
    $banner.prop("hidden", !failing.includes("worker"));
  }

  function look() {
    setTimeout(look, LOOK_EVERY_MS);
    if (!document.hidden && (!$banner.prop("hidden") || somethingIsOverdue())) {
      call("GET", urls.health).then(() => $banner.prop("hidden", true), hear);
    }
  }

  setTimeout(look, LOOK_EVERY_MS);
})(jQuery);
