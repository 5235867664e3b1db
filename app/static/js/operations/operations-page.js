/* Every tab of the operations page: its numbers stay true while it is open. */
import { startStrip } from "./strip.js";
import { startTask } from "./task.js";
import { endUndoInTime } from "./undo.js";

startStrip();
startTask();
endUndoInTime();
