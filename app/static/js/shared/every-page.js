/* Every page: drafts are looked after, and relative times stay true. */
import { startBell } from "./bell.js";
import { startCompose } from "./compose.js";
import { startDrafts } from "./drafts.js";
import { $ } from "./jquery.js";
import { startShortcuts } from "./shortcuts.js";
import { startTimes } from "./times.js";

startDrafts();
$("[data-same-tab]").removeAttr("target"); // this tab has what was written
startTimes();
startBell();
startShortcuts();
startCompose();
