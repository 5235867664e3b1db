/* Keeps "in 2 hours" true while the page is open, in the page's language. */
(function ($) {
  "use strict";

  const UNITS = [
    ["year", 365 * 86400],
    ["month", 30 * 86400],
    ["week", 7 * 86400],
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
  ];
  const NEARLY = 0.9; // from here on a unit is used: the server rounds the same way
  const SOON_SECONDS = 100;
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en");

  function relative(seconds) {
    const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) / size >= NEARLY) ?? UNITS.at(-1);
    const count = Math.round(Math.abs(seconds) / size) || (unit === "second" ? 0 : 1);
    return words.format(seconds < 0 ? -count : count, unit);
  }

  /* Write every moment anew; return the seconds to the nearest one. */
  function refresh() {
    let nearest = Infinity;
    $("time[data-relative]").each(function () {
      const seconds = (Date.parse(this.dateTime) - Date.now()) / 1000;
      const text = relative(seconds);
      if (this.textContent !== text) {
        this.textContent = text;
      }
      nearest = Math.min(nearest, Math.abs(seconds));
    });
    return nearest;
  }

  function keepFresh() {
    const nearest = document.hidden ? Infinity : refresh();
    setTimeout(keepFresh, nearest < SOON_SECONDS ? 1000 : 15000);
  }

  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  keepFresh();
  window.TweetLater.times = { relative, refresh };
})(jQuery);
