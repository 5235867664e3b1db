/* Keeps "in 2 hours" true while the page is open, in the page's language. */
import { $ } from "./jquery.js";
import { numbers } from "./page.js";

const UNITS = [
  ["year", 365 * 86400],
  ["month", 30 * 86400],
  ["week", 7 * 86400],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const SOON_SECONDS = 100;
const REFRESH_SOON_MS = 1000;
const REFRESH_MS = 15000;
const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en");

function relative(seconds) {
  const found = UNITS.find(([, size]) => Math.abs(seconds) / size >= numbers.unitUsedFrom);
  const [unit, size] = found ?? UNITS.at(-1);
  const count = Math.round(Math.abs(seconds) / size) || (unit === "second" ? 0 : 1);
  return words.format(seconds < 0 ? -count : count, unit);
}

/* Write every moment anew; return the seconds to the nearest one. */
export function refreshTimes() {
  let nearest = Infinity;
  for (const element of $("time").get()) {
    const seconds = (Date.parse(element.dateTime) - Date.now()) / 1000;
    const text = relative(seconds);
    if (element.textContent !== text) {
      element.textContent = text;
    }
    nearest = Math.min(nearest, Math.abs(seconds));
  }
  return nearest;
}

function keepFresh() {
  const nearest = document.hidden ? Infinity : refreshTimes();
  setTimeout(keepFresh, nearest < SOON_SECONDS ? REFRESH_SOON_MS : REFRESH_MS);
}

export function startTimes() {
  document.addEventListener("visibilitychange", () => document.hidden || refreshTimes());
  keepFresh();
}
