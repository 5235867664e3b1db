/* The calendar: moving what is due by dragging it, or with a time that is asked for. */
import { startDragging } from "./dragging.js";
import { startMoveDialog } from "./move-dialog.js";

startMoveDialog();
startDragging();
