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

/* Fetch a part of a page; it fails when the answer has nothing that fits. */
export function fetchPart(url, fits, data) {
  return $.ajax({ url, data, dataType: "html", timeout: CALL_TIMEOUT_MS }).then((html) => {
    const $part = $($.parseHTML(html.trim()));
    return $part.is(fits) ? $part.filter("*") : $.Deferred().reject({});
  });
}

/* Fetch one tweet's card as it is now. */
export function fetchCard(tweetId) {
  const url = urls.card.replace("0", tweetId); // the page has the address of a tweet 0
  return fetchPart(url, "[data-tweet]");
}

/* Fetch the fields for what an account's posts have beyond their text. */
export function fetchOptions(accountId) {
  return fetchPart(urls.options.replace("0", accountId), ".field-error");
}
