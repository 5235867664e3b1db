/* The buttons on a card, without leaving the page. Where scripts fail they are plain forms. */
(function ($) {
  "use strict";

  const SHOW_MS = 6000;
  const { say, notice, signInLink, call, refusalOf, poller } = window.TweetLater;

  function succeed($card, answer) {
    notice(answer.message ?? "", SHOW_MS);
    return poller.refresh($card);
  }

  function fail($card, response) {
    const refusal = refusalOf(response);
    if (response.status === 401) {
      notice([document.createTextNode(`${say("signedOut")} `), signInLink()[0]]);
      return;
    }
    notice(refusal?.message ?? say("notChanged"), SHOW_MS);
    if (response.status === 409) {
      poller.refresh($card);
    }
  }

  $("#tweets").on("submit", "[data-tweet] form", function (event) {
    event.preventDefault();
    const $form = $(this);
    const $card = $form.closest("[data-tweet]");
    const $button = $form.find("button");
    if ($button.attr("aria-disabled") === "true") {
      return;
    }
    $button.attr("aria-disabled", "true");
    call("POST", $form.attr("action"), { data: $form.serialize() })
      .then((answer) => succeed($card, answer), (response) => fail($card, response))
      .always(() => $button.removeAttr("aria-disabled"));
  });
})(jQuery);
