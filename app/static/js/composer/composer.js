/* Sends the composer without leaving the page.

   The submit id stays the same until the server has answered "stored", so that pressing again,
   after whatever went wrong, can never make a second tweet. */
(function ($) {
  "use strict";

  const SHOW_MS = 6000;
  const page = window.TweetLater;
  const { say, announce, notice, signInLink, call, refusalOf, fetchCard, draft, editDraft } = page;

  const $form = $("#composer");
  const $text = $("#text");
  const $when = $("#when");
  const $button = $("#submit");
  const $label = $button.find(".submit-label");
  const $trouble = $("#trouble");
  const $submitId = $form.find("[name='submit_id']");

  function newSubmitId() {
    if (window.crypto.randomUUID) {
      return window.crypto.randomUUID();
    }
    const bytes = window.crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function isBusy() {
    return $button.attr("aria-disabled") === "true";
  }

  function setBusy(busy) {
    $button.attr({ "aria-disabled": busy ? "true" : null, "aria-busy": busy ? "true" : null });
    $form.find("textarea").add($when).prop("readOnly", busy);
  }

  function setLabel() {
    $label.text(page.when.mode() === "later" ? say("schedule") : say("postNow"));
  }

  /* All texts but the first: of further parts, and of accounts that say something else, by name. */
  function furtherTexts() {
    const named = page.threads.map(({ name, texts }) => [name, texts()]);
    const own = $form.find("[data-variant] > [data-writing] textarea").get().map((box) => [box.id, box.value]);
    return { threads: Object.fromEntries(named), variants: Object.fromEntries(own) };
  }

  /* Keep what is written while this tab is open, for its own user only. */
  function keepDraft() {
    const [text, when] = [$text.val(), $when.val()];
    const [further, pictures] = [furtherTexts(), page.pictures.kept()];
    if (text || when || pictures.length || Object.values({ ...further.threads, ...further.variants }).some((one) => one.length)) {
      const accounts = $form.find("[name='accounts']:checked").map((_, box) => box.value).get();
      draft.keep({ text, when, mode: page.when.mode(), ...further, pictures, accounts, submitId: $submitId.val() });
    } else {
      draft.forget();
    }
  }

  function restoreDraft() {
    const kept = draft.read();
    if (kept && !$text.val()) {
      $text.val(kept.text);
      $submitId.val(kept.submitId);
      page.when.set(kept.when);
      page.when.choose(kept.mode ?? page.when.mode());
      page.threads.forEach(({ name, add }) => (kept.threads?.[name] ?? []).forEach((text) => add(text)));
      page.pictures.restore(kept.pictures ?? []);
      Object.entries(kept.variants ?? {}).forEach(([id, text]) => $(`#${id}`).val(text));
      $form.find("[data-variants]").prop("open", Object.values(kept.variants ?? {}).some(Boolean));
      if (kept.accounts?.length) {
        $form.find("[name='accounts'][type='checkbox']").each(function () {
          this.checked = kept.accounts.includes(this.value);
        });
      }
      page.count();
    }
  }

  function clearErrorOf($field) {
    $field.removeAttr("aria-invalid");
    $(`#${$field.attr("id")}-error`).empty();
  }

  function clearErrors() {
    $trouble.empty();
    $form.find("[aria-invalid]").removeAttr("aria-invalid");
    $form.find(".field-error").empty();
  }

  /* Put the server's sentence where the mistake is, and the focus with it. */
  function showError(error) {
    const $named = $(`#${error.field}`).filter(":input");
    const $field = $named.length ? $named : $form.find(`[name="${error.field}"]`).first();
    const $place = $(`#${error.field}-error`);
    if (!$place.length) {
      $trouble.text(error.message);
      return;
    }
    $place.text(error.message).closest("details").prop({ open: true, hidden: false });
    const $add = $field.closest("[data-pictures]").find("[data-add]");
    const $shown = $add.length ? $add : $field.prop("hidden") ? $("#picker") : $field;
    $shown.attr("aria-invalid", "true").trigger("focus");
  }

  function showTrouble(sentence, $way) {
    $trouble.text(`${sentence} `).append($way);
  }

  function tryAgainButton() {
    const $again = $("<button>", { type: "button", class: "btn btn-small btn-plain" });
    return $again.text(say("tryAgain")).on("click", () => $form.trigger("submit"));
  }

  function reloadLink() {
    return $("<a>", { href: page.urls.signIn, text: say("reload") });
  }

  function fail(response) {
    const refusal = refusalOf(response);
    if (response.status === 401) {
      showTrouble(`${say("signedOut")} ${say("kept")}`, signInLink());
    } else if (refusal?.code === "submit_id_reused") {
      $submitId.val(newSubmitId());
      keepDraft();
      showTrouble(say("storedBefore"), reloadLink());
    } else if (response.status === 422 && refusal) {
      showError(refusal);
      if (refusal.code === "time_moved") {
        page.when.askAgain();
      }
    } else if (refusal?.code === "csrf") {
      showTrouble(refusal.message, reloadLink());
    } else if (refusal) {
      showTrouble(`${refusal.message} ${say("kept")}`, tryAgainButton());
    } else {
      showTrouble(say(response.status ? "didNotWork" : "notReached"), tryAgainButton());
    }
  }

  function add($card) {
    const $known = $(`#${$card.attr("id")}`);
    $("#empty").prop("hidden", true);
    if ($known.length) {
      page.poller.replace($known, $card);
    } else {
      $card.addClass("tweet-new").prependTo("#tweets");
      page.times.refresh();
      page.poller.watch($card);
      page.poller.announceEnded($card);
    }
  }

  function succeed(answer, wasLater) {
    const echo = page.when.isShown() ? $("#echo").text() : $when.val();
    $text.val("");
    page.pictures.clear();
    page.threads.forEach(({ clear }) => clear());
    $form.find("[data-variants]").prop("open", false).find("textarea").val("");
    page.when.set("");
    page.count();
    $submitId.val(newSubmitId());
    draft.forget();
    announce(wasLater ? say("scheduledFor", { when: echo }) : say("onItsWay"));
    $text.trigger("focus");
    fetchCard(`${$form.attr("action")}/${answer.tweet.id}/card`).then(add, () => {
      notice([document.createTextNode(`${say("onItsWay")} `), reloadLink()[0]], SHOW_MS);
    });
  }

  function send(event) {
    event.preventDefault();
    if (isBusy()) {
      return;
    }
    clearErrors();
    const problem = page.when.problem();
    if (problem) {
      showError({ field: "when", message: problem });
      return;
    }
    const wasLater = page.when.mode() === "later";
    const sent = { data: $form.serialize(), headers: { "Idempotency-Key": $submitId.val() } };
    keepDraft();
    setBusy(true);
    call("POST", $form.attr("action"), sent)
      .always(() => setBusy(false))
      .then((answer) => succeed(answer, wasLater), fail);
  }

  $form.on("submit", send);
  $form.on("change", "[name='mode']", setLabel);
  $form.on("input", "textarea, #when", function () {
    clearErrorOf($(this));
    setLabel();
    keepDraft();
  });
  $form.on("pictures:changed", keepDraft);
  $form.on("change", "[name='accounts']", () => {
    $("#accounts-error").empty();
    keepDraft();
  });
  $("#picker").on("input", function () {
    $(this).removeAttr("aria-invalid");
  });
  restoreDraft();
  setLabel();
  const unsaved = editDraft.read();
  if (unsaved) {
    const $unsaved = $("#unsaved").prop("hidden", false);
    $unsaved.find("[data-go-on]").attr("href", unsaved.address);
    $unsaved.find("[data-discard]").on("click", () => {
      editDraft.forget();
      $unsaved.prop("hidden", true);
    });
  }
})(jQuery);
