/* Calls to the server. */
import { $ } from "./jquery.js";
import { urls } from "./page.js";

const CALL_TIMEOUT_MS = 15000;

/* A call that asks for JSON, with the token that forms carry. */
export function call(method, url, options = {}) {
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
export function refusalOf(response) {
  return response.responseJSON?.error ?? null;
}

/* Fetch one tweet's card as it is now; it fails when the answer is another page. */
export function fetchCard(tweetId) {
  const url = urls.card.replace("0", tweetId); // the page has the address of a tweet 0
  return $.ajax({ url, dataType: "html", timeout: CALL_TIMEOUT_MS }).then((html) => {
    const $card = $($.parseHTML(html.trim())).filter("[data-tweet]");
    return $card.length ? $card : $.Deferred().reject();
  });
}
