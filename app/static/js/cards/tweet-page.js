/* The page of one tweet: its card stays true, and times and attempts follow the card. */
import { $ } from "../shared/jquery.js";
import { startActions } from "./actions.js";
import { startPoller } from "./poller.js";
import { startSilence } from "./silence.js";

startPoller();
startActions();
$(document).on("card:replaced", () => {
  $("#record").load(`${window.location.pathname} #record > *`);
});
startSilence();
