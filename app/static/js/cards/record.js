/* On a tweet's own page: times and attempts follow the card. */
(function ($) {
  "use strict";

  $(document).on("card:replaced", () => {
    $("#record").load(`${window.location.pathname} #record > *`);
  });
})(jQuery);
