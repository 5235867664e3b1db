/* Watches the jobs on the page and shows what becomes of them.

   Each job says itself when asking again is worth it (poll_after_ms); jobs due together are asked
   for together. Final jobs are left alone, and nothing is asked while the page is hidden. */
import { $ } from "../shared/jquery.js";
import { announce, notice, noticeSignedOut } from "../shared/messages.js";
import { numbers, say, urls } from "../shared/page.js";
import { call, fetchCard } from "../shared/server.js";
import { cardOf, putInPlace, rowOf, sentenceOf } from "./card.js";

const TOGETHER_MS = 250;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30000;
const BACK_MS = 3000;

const watched = new Map(); // job_id -> { askAt, seen }
let timer = null;
let asking = false;
let failures = 0;
let retryAt = 0;
let signedOut = false;

/* What makes two answers about a job the same. */
function versionOf(job) {
  return [job.state, job.attempts, job.due_at, job.error?.code ?? ""].join("|");
}

/* The same of a job as its card shows it. */
function versionShown(row) {
  const { state, attempts = 0, error = "" } = row.dataset;
  return [state, attempts, $(row).find("time").attr("datetime"), error].join("|");
}

/* Begin to watch every job of a card that is not final. */
export function watch($cards) {
  for (const row of $cards.find("[data-job]").get()) {
    const { job, pollAfterMs } = row.dataset;
    if (pollAfterMs === undefined) {
      watched.delete(job);
    } else {
      watched.set(job, { askAt: Date.now() + Number(pollAfterMs), seen: versionShown(row) });
    }
  }
  plan();
}

function plan() {
  clearTimeout(timer);
  if (signedOut || asking || document.hidden || !watched.size) {
    return;
  }
  const next = Math.min(...Array.from(watched.values(), (job) => job.askAt));
  timer = setTimeout(ask, Math.max(0, next - Date.now(), retryAt - Date.now()));
}

function dueJobs() {
  const soon = Date.now() + TOGETHER_MS;
  return Array.from(watched)
    .filter(([, job]) => job.askAt <= soon)
    .sort(([, a], [, b]) => a.askAt - b.askAt)
    .slice(0, numbers.jobsAtOnce)
    .map(([id]) => id);
}

function ask() {
  const ids = dueJobs();
  if (!ids.length) {
    plan();
    return;
  }
  asking = true;
  call("GET", urls.status, { data: { job_ids: ids.join(",") } })
    .then((answer) => hear(ids, answer.jobs), stumble)
    .always(() => {
      asking = false;
      plan();
    });
}

function hear(ids, jobs) {
  if (failures) {
    notice(say("back"), BACK_MS);
  }
  failures = 0;
  retryAt = 0;
  const answered = new Map(jobs.map((job) => [job.job_id, job]));
  const changed = ids.filter((id) => learn(id, answered.get(id)));
  if (changed.length) {
    show(changed.map((id) => answered.get(id)));
  }
}

/* Remember one answer; true when the job looks different now. A job left out is gone. */
function learn(id, job) {
  const known = watched.get(id);
  if (!job || job.poll_after_ms === null) {
    watched.delete(id);
  } else {
    watched.set(id, { askAt: Date.now() + job.poll_after_ms, seen: versionOf(job) });
  }
  return Boolean(job && known && known.seen !== versionOf(job));
}

function stumble(response) {
  if (response.status === 401) {
    signedOut = true;
    noticeSignedOut();
    return;
  }
  const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
  const asked = 1000 * Number(response.getResponseHeader("Retry-After") ?? 0);
  failures += 1;
  retryAt = Date.now() + Math.max(wait, asked || 0);
  if (failures > 1) {
    notice(say("lost"));
  }
}

function show(jobs) {
  const news = jobs.filter((job) => rowOf(job.job_id).attr("data-state") !== job.state);
  if (news.length) {
    announce(news.map((job) => sentenceOf(job.job_id, job.label)).join(". "));
  }
  for (const card of new Set(jobs.map((job) => cardOf(job.job_id)[0]).filter(Boolean))) {
    refresh($(card));
  }
}

/* Put the card as the server has it now in place of the old one. */
export function refresh($card) {
  const undo = () => {
    for (const row of $card.find("[data-job]").get()) {
      watched.set(row.dataset.job, { askAt: Date.now() + FIRST_RETRY_MS, seen: versionShown(row) });
    }
    plan();
  };
  return fetchCard($card.data("tweet")).then(($fresh) => replace($card, $fresh), undo);
}

export function replace($old, $fresh) {
  putInPlace($old, $fresh);
  watch($fresh);
  $fresh.trigger("card:replaced");
}

/* The connection may work again: ask at once. */
function wake() {
  retryAt = 0;
  if (failures) {
    for (const job of watched.values()) {
      job.askAt = Math.min(job.askAt, Date.now());
    }
  }
  plan();
}

export function startPoller() {
  $(window).on("online pageshow", wake);
  document.addEventListener("visibilitychange", wake);
  watch($("[data-tweet]"));
}
