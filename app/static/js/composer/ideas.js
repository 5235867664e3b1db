/* What to write about: "Surprise me", and the list of suggestions, which is fetched after the page.

   What was typed stays: words are added below it. Only what a suggestion has put there, and nobody
   has changed, makes room for the next one. Nothing is sent. */
import { $ } from "../shared/jquery.js";
import { announce, NOTICE_MS, notice, noticeSignedOut } from "../shared/messages.js";
import { say, templateOf, urls } from "../shared/page.js";
import { call, refusalOf } from "../shared/server.js";

const BESIDE = "(min-width: 82rem)"; // as in learning.css
const $text = $("#text");
let $ideas = $("#ideas"); // a link, until the list takes its place
const $reason = $("<span>", { class: "quiet small-text", role: "status" });
let lastUsed = "";

/* Put words into the composer, below what its writer has typed. */
function use(words) {
  const written = $text.val();
  const kept =
    lastUsed && written.endsWith(lastUsed) ? written.slice(0, -lastUsed.length) : written;
  const before = kept.trimEnd();
  $text.val(before ? `${before}\n\n${words}` : words).trigger("input");
  lastUsed = words;
  $text.trigger("focus");
  $text[0].setSelectionRange($text.val().length, $text.val().length);
}

function fail(response) {
  if (response.status === 401) {
    noticeSignedOut();
  } else {
    notice(refusalOf(response)?.message ?? say("notReachedNow"), NOTICE_MS);
  }
}

function surprise(event) {
  event.preventDefault();
  call("GET", urls.surprise).then(({ text, reason }) => {
    use(text);
    $reason.text(reason);
  }, fail);
}

function ideaOf(one) {
  const $idea = $(templateOf("idea-template").firstElementChild.cloneNode(true));
  $idea.find(".idea-text").text(one.text);
  $idea.find(".idea-reason").text(one.reason);
  $idea.find(".visually-hidden").text(` ${one.source.label}`);
  $idea.find("[data-use]").on("click", (event) => {
    event.preventDefault();
    use(one.text);
  });
  $idea.find("[data-dismiss]").on("click", () => dismiss($idea, one));
  return $idea;
}

/* The next one takes the place of what is dismissed; the keyboard stays in the list. */
function dismiss($idea, one) {
  const place = $idea.index();
  call("POST", `${urls.ideas}/${one.id}/dismiss`).then(() => {
    announce(say("dismissed"));
    fetchIdeas().then(() => {
      const $left = $ideas.find("[data-dismiss]");
      ($left.length ? $left.eq(Math.min(place, $left.length - 1)) : $text).trigger("focus");
    });
  }, fail);
}

function show({ suggestions }) {
  if ($ideas.is("p")) {
    const $list = $(templateOf("ideas-template").firstElementChild.cloneNode(true));
    $ideas.replaceWith($list);
    $ideas = $list;
    $ideas.find("details").prop("open", window.matchMedia(BESIDE).matches);
  }
  $ideas.find(".ideas-list").empty().append(suggestions.map(ideaOf));
  $ideas.find(".ideas-none").prop("hidden", suggestions.length > 0);
}

function fetchIdeas() {
  return call("GET", urls.ideas).then(show);
}

export function startSurprise() {
  $("#surprise").append($reason).on("click", "a", surprise);
}

export function startIdeas() {
  startSurprise();
  fetchIdeas().catch(() => {}); // the link to their page is still there
}
