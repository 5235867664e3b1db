/* The list of tweets alone: its cards stay true, and many are changed at a time. */
import { startActions } from "./actions.js";
import { startBulk } from "./bulk.js";
import { startPoller } from "./poller.js";
import { startSilence } from "./silence.js";

startPoller();
startActions();
startBulk();
startSilence();
