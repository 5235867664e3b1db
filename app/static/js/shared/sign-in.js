/* Takes the browser's time zone along to the sign-in, for a person whose zone is not known yet. */
(function ($) {
  "use strict";

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  $("[data-sign-in]").attr("href", (_, address) =>
    zone ? `${address}?timezone=${encodeURIComponent(zone)}` : address);
})(jQuery);
