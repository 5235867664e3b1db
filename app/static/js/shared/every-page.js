/* Every page: drafts are looked after, and relative times stay true. */
import { startDrafts } from "./drafts.js";
import { $ } from "./jquery.js";
import { startTimes } from "./times.js";

startDrafts();
$("[data-same-tab]").removeAttr("target"); // this tab has what was written
startTimes();
