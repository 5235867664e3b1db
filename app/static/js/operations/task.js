/* The page of a task that runs: its words and its bar stay true, as the server writes them. */
import { $ } from "../shared/jquery.js";
import { noticeSignedOut } from "../shared/messages.js";

const ASK_AFTER_MS = 1000;
const ASK_TIMEOUT_MS = 15000;

/* Take over what has changed; a screen reader hears the words when they do. */
function show($task, $fresh) {
  const words = $fresh.find("[role=status]").text();
  if ($task.find("[role=status]").text() !== words) {
    $task.find("[role=status]").text(words);
  }
  $task.find("progress").val($fresh.find("progress").val());
  $task.attr("data-over", $fresh.attr("data-over"));
  if ($task.attr("data-over") === "yes") {
    $task.find(".look-again").remove();
  }
}

function ask($task) {
  if (document.hidden) {
    document.addEventListener("visibilitychange", () => ask($task), { once: true });
    return;
  }
  $.ajax({ url: $task.data("url"), dataType: "html", timeout: ASK_TIMEOUT_MS }).then(
    (html) => {
      const $fresh = $($.parseHTML(html)).find("#task");
      if (!$fresh.length) {
        noticeSignedOut(); // it is another page
        return;
      }
      show($task, $fresh);
      goOn($task);
    },
    () => goOn($task),
  );
}

function goOn($task) {
  if ($task.attr("data-over") === "no") {
    setTimeout(ask, ASK_AFTER_MS, $task);
  }
}

export function startTask() {
  const $task = $("#task");
  if ($task.length) {
    goOn($task);
  }
}
