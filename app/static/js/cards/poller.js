/* Watches the jobs on the page and shows what becomes of them.

   Each job says itself when asking again is worth it (poll_after_ms); jobs due together are asked
   for together. Final jobs are left alone, and nothing is asked while the page is hidden. */
(function ($) {
  "use strict";

  const TOGETHER_MS = 250;
  const MOST_AT_ONCE = 100;
  const FIRST_RETRY_MS = 1000;
  const LONGEST_RETRY_MS = 30000;
  const EXCERPT = 60;
  const { urls, say, announce, notice, signInLink, call, fetchCard, times } = window.TweetLater;

  const watched = new Map(); // job_id -> { askAt, seen }
  let timer = null;
  let asking = false;
  let failures = 0;
  let retryAt = 0;
  let signedOut = false;

  /* What makes two answers about a job the same; the card carries it as data-seen. */
  function versionOf(job) {
    return [job.state, job.attempts, job.due_at, job.error?.code ?? ""].join("|");
  }

  /* Begin to watch every job of a card that is not final. */
  function watch($cards) {
    $cards.find("[data-job]").each(function () {
      const { job, pollAfterMs, seen } = this.dataset;
      if (pollAfterMs === "") {
        watched.delete(job);
      } else {
        watched.set(job, { askAt: Date.now() + Number(pollAfterMs), seen });
      }
    });
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
      .slice(0, MOST_AT_ONCE)
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
      notice(say("back"), 3000);
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
      notice([document.createTextNode(`${say("signedOut")} `), signInLink()[0]]);
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

  function rowOf(id) {
    return $(`[data-job="${id}"]`);
  }

  function cardOf(id) {
    return rowOf(id).closest("[data-tweet]");
  }

  function show(jobs) {
    const news = jobs.filter((job) => rowOf(job.job_id).attr("data-state") !== job.state);
    if (news.length) {
      announce(news.map((job) => sentenceOf(job.job_id, job.label)).join(". "));
    }
    const cards = new Set(jobs.map((job) => cardOf(job.job_id)[0]).filter(Boolean));
    cards.forEach((card) => refresh($(card)));
  }

  function sentenceOf(id, label) {
    const text = cardOf(id).find(".tweet-text").text().trim();
    const excerpt = text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text;
    return say("change", { state: label, text: excerpt });
  }

  /* A quick tweet is published before its card first shows: no later answer would say so. */
  function announceEnded($card) {
    const ended = $card.find("[data-job][data-poll-after-ms='']").get();
    if (ended.length) {
      announce(ended.map((row) => sentenceOf(row.dataset.job, $(row).find(".chip").text().trim())).join(". "));
    }
  }

  /* Put the card as the server has it now in place of the old one. */
  function refresh($card) {
    const undo = () => {
      $card.find("[data-job]").each(function () {
        watched.set(this.dataset.job, { askAt: Date.now() + FIRST_RETRY_MS, seen: this.dataset.seen });
      });
      plan();
    };
    return fetchCard($card.data("card-url")).then(($fresh) => replace($card, $fresh), undo);
  }

  /* Keep what the person was doing: the focus, and what they had folded open. */
  function replace($old, $fresh) {
    const focus = $old[0].contains(document.activeElement) ? document.activeElement : null;
    const open = $old.find("details[open]").map((_, element) => element.dataset.key).get();
    $fresh.find("details").each(function () {
      this.open = open.includes(this.dataset.key);
    });
    $old.replaceWith($fresh);
    if (focus) {
      const $same = focus.dataset.key ? $fresh.find(`[data-key="${focus.dataset.key}"]`) : $();
      ($same[0] ?? $fresh[0]).focus({ preventScroll: true });
    }
    times.refresh();
    watch($fresh);
    $fresh.trigger("card:replaced");
  }

  /* The line may be there again: ask at once. */
  function wake() {
    retryAt = 0;
    if (failures) {
      watched.forEach((job) => {
        job.askAt = Math.min(job.askAt, Date.now());
      });
    }
    plan();
  }

  $(window).on("online pageshow", wake);
  document.addEventListener("visibilitychange", wake);
  watch($("[data-tweet]"));
  window.TweetLater.poller = { watch, refresh, replace, announceEnded };
})(jQuery);
