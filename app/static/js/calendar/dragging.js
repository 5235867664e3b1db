/* Dragging what is due: to another day it keeps its time of day, to another hour its minute. */
import { $ } from "../shared/jquery.js";
import { explain, move } from "./moving.js";

const OVER = "is-over";
const DRAGGED = "is-dragged";
let dragged = null;

/* The time on the clock at which it is due after a drop; `wall` is that of now. */
function timeAt(cell, wall) {
  const [, clock] = wall.split("T");
  const { drop: date, hour } = cell.dataset;
  return hour === undefined ? `${date} ${clock}` : `${date} ${hour}${clock.slice(2)}`;
}

/* The day or hour under the pointer; none for what is past, and for hours that do not exist. */
function cellOf(event) {
  return dragged && event.target.closest("[data-drop]");
}

function lift(event) {
  dragged = event.target.closest("[data-movable]");
  if (dragged) {
    const { dataTransfer } = event.originalEvent;
    dataTransfer.effectAllowed = "move";
    dataTransfer.setData("text/plain", dragged.textContent);
    $(dragged).addClass(DRAGGED);
  }
}

function hover(event) {
  const cell = cellOf(event);
  $(`.${OVER}`).not(cell).removeClass(OVER);
  if (cell) {
    event.preventDefault(); // it may be dropped here
    $(cell).addClass(OVER);
  }
}

function drop(event) {
  const [cell, due] = [cellOf(event), dragged];
  if (!cell) {
    return;
  }
  event.preventDefault();
  const when = timeAt(cell, due.dataset.wall);
  if (when !== due.dataset.wall.replace("T", " ")) {
    move(due, when).then(null, (response) => explain(due, response));
  }
}

function rest() {
  $(`.${OVER}`).removeClass(OVER);
  $(`.${DRAGGED}`).removeClass(DRAGGED);
  dragged = null;
}

function makeDraggable() {
  const $movable = $(".due-lines [data-movable]").attr("draggable", "true");
  $movable.find("a").attr("draggable", "false"); // else only the link would be dragged
}

export function startDragging() {
  makeDraggable();
  $("#calendar")
    .on("calendar:shown", makeDraggable)
    .on("dragstart", lift)
    .on("dragover", hover)
    .on("drop", drop)
    .on("dragend", rest);
}
