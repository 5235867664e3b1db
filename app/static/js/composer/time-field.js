/* The time field: says how the words are understood, offers shortcuts and a date picker. */
(function ($) {
  "use strict";

  const ASK_AFTER_MS = 350;
  const HOUR_MS = 3600000;
  const { urls, say, call, refusalOf } = window.TweetLater;

  const $when = $("#when");
  const $picker = $("#picker");
  const $echo = $("#echo");
  const $shownAt = $("#shown_at"); // the moment that the page says the words mean: it is stored
  const $pick = $("[data-pick]");
  const $timezone = $("[name='timezone']");
  const $modes = $("[name='mode']"); // the edit page has none: there a time is never "now"
  let waiting = null;
  let asking = null;

  /* The browser's zone, for a person who has not chosen one. */
  if (!$timezone.val()) {
    $timezone.val(Intl.DateTimeFormat().resolvedOptions().timeZone ?? "");
    $("#zone").text($timezone.val() || "UTC");
  }

  function show(sentence, understood) {
    $echo.text(sentence).attr("data-understood", understood ? "" : null);
  }

  function ask(words) {
    asking = call("GET", urls.when, { data: { when: words, timezone: $timezone.val() } });
    asking.then(
      (answer) => {
        $shownAt.val(answer.due_at);
        show([answer.echo, answer.note].filter(Boolean).join(" "), true);
      },
      (response) => show(refusalOf(response)?.message ?? "", false),
    );
  }

  /* Say anew what the words mean by now. */
  function askAgain() {
    asking?.abort();
    ask($when.val().trim());
  }

  function isShown() {
    return Boolean($shownAt.val());
  }

  function press(words) {
    $(".shortcut[data-words]").each(function () {
      $(this).attr("aria-pressed", String(!picking() && this.dataset.words === words));
    });
    $pick.attr("aria-pressed", String(picking()));
  }

  function mode() {
    return $modes.length ? $modes.filter(":checked").val() : "later";
  }

  function choose(wanted) {
    $modes.each((_, radio) => {
      radio.checked = radio.value === wanted;
    });
  }

  /* Why the time cannot be sent as it stands; "" when it can. An empty field never means now. */
  function problem() {
    if (picking() && $picker[0].validity.badInput) {
      return say("halfTime");
    }
    return mode() === "later" && !$when.val().trim() ? say("sayWhen") : "";
  }

  /* Follow a change of the field. An answer to older words is thrown away. */
  function follow() {
    const words = $when.val().trim();
    clearTimeout(waiting);
    asking?.abort();
    asking = null;
    $shownAt.val("");
    press(words);
    if (words) {
      waiting = setTimeout(() => ask(words), ASK_AFTER_MS);
    } else {
      show(problem() || say("now"), false);
    }
  }

  function picking() {
    return !$picker.prop("hidden");
  }

  function showPicker(wanted) {
    $picker.prop("hidden", !wanted);
    $when.prop("hidden", wanted);
    $("label[for='when'], label[for='picker']").attr("for", wanted ? "picker" : "when");
  }

  function set(words) {
    showPicker(false);
    choose(words ? "later" : "now");
    $when.val(words).trigger("input");
  }

  /* The picker starts at the next full hour of the zone that is written beside it. */
  function nextHour() {
    const digits = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit" };
    const wall = new Intl.DateTimeFormat("sv-SE", { ...digits, timeZone: $("#zone").text() });
    return `${wall.format(Date.now() + HOUR_MS).replace(" ", "T")}:00`; // Swedish writes ISO dates
  }

  function pick() {
    if (!$picker.val()) {
      $picker.val(nextHour());
    }
    choose("later");
    showPicker(true);
    $picker.trigger("input").trigger("focus");
    try {
      $picker[0].showPicker();
    } catch {
      // Not every browser opens it from a script; the field itself is there to type in.
    }
  }

  $when.on("input", () => {
    if ($when.val().trim()) {
      choose("later");
    }
    follow();
  });
  $modes.on("change", () => {
    if (mode() === "now") {
      set("");
    } else {
      $when.trigger("input").trigger("focus");
    }
  });
  $when.closest("form").not("#composer").on("submit", (event) => {
    const sentence = event.originalEvent?.submitter?.name === "now" ? "" : problem();
    if (sentence) {
      event.preventDefault();
      $("#when-error").text(sentence);
      (picking() ? $picker : $when).attr("aria-invalid", "true").trigger("focus");
    }
  });
  $picker.on("input", () => $when.val($picker.val().replace("T", " ")).trigger("input"));
  $(".shortcut[data-words]").on("click", function () {
    set(this.dataset.words);
  });
  $pick.on("click", pick);
  if ($when.val()) {
    press($when.val()); // as the server wrote it, with what it says about it
  } else {
    follow();
  }
  window.TweetLater.when = { set, mode, choose, problem, askAgain, isShown };
})(jQuery);
