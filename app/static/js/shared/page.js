/* What all scripts share: the page's addresses and sentences, announcements, calls to the server. */
window.TweetLater = (function ($) {
  "use strict";

  const CALL_TIMEOUT_MS = 15000;
  const DRAFT_KEY = "tweet-later:draft";
  const EDIT_KEY = "tweet-later:edit";
  const page = JSON.parse($("#page").text());

  /* The sentence of that name, with {placeholders} filled in. */
  function say(name, values = {}) {
    return page.words[name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
  }

  /* Tell a screen reader without showing anything; the same words twice are said twice. */
  function announce(sentence) {
    const $announcer = $("#announcer").empty();
    setTimeout(() => $announcer.text(sentence), 100);
  }

  let hiding = null;

  /* Show one quiet line over the page: for some seconds, or until it is replaced. */
  function notice(content, milliseconds) {
    clearTimeout(hiding);
    $("#notice").empty().append(content);
    if (milliseconds) {
      hiding = setTimeout(() => $("#notice").empty(), milliseconds);
    }
  }

  function signInLink() {
    return $("<a>", { href: page.urls.signIn, text: say("signIn") });
  }

  /* A call that asks for JSON, with the token that forms carry. */
  function call(method, url, options = {}) {
    const token = $("meta[name='csrf-token']").attr("content");
    return $.ajax({
      method,
      url,
      dataType: "json",
      timeout: CALL_TIMEOUT_MS,
      ...options,
      headers: { "X-CSRFToken": token, ...options.headers },
    });
  }

  /* The server's own sentence about a refusal, if it gave one. */
  function refusalOf(response) {
    return response.responseJSON?.error ?? null;
  }

  /* Fetch one tweet's card as it is now; it fails when the answer is another page. */
  function fetchCard(url) {
    return $.ajax({ url, dataType: "html", timeout: CALL_TIMEOUT_MS }).then((html) => {
      const $card = $($.parseHTML(html.trim())).filter("[data-tweet]");
      return $card.length ? $card : $.Deferred().reject();
    });
  }

  /* What is written and not stored yet, kept while this tab is open, for its own writer only. */
  function draftAt(key) {
    const forget = () => sessionStorage.removeItem(key);
    const keep = (value) => sessionStorage.setItem(key, JSON.stringify({ ...value, owner: page.person }));
    const read = () => JSON.parse(sessionStorage.getItem(key) ?? "null");
    return { read, keep, forget };
  }

  const draft = draftAt(DRAFT_KEY);
  const editDraft = draftAt(EDIT_KEY);

  /* A session that ended keeps them for the same person; nobody else gets to see them. */
  function forgetAll() {
    draft.forget();
    editDraft.forget();
  }

  $(document).on("submit", "[data-sign-out]", forgetAll);
  [draft, editDraft].forEach((one) => {
    if (page.person && one.read() && one.read().owner !== page.person) {
      one.forget();
    }
  });
  if (page.saved.includes(editDraft.read()?.tweet)) {
    editDraft.forget();
  }
  $("[data-same-tab]").removeAttr("target"); // this tab has what was written

  return { urls: page.urls, say, announce, notice, signInLink, call, refusalOf, fetchCard, draft, editDraft };
})(jQuery);
