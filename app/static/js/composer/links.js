/* Where X, and Mastodon, see a link in a text, found as app/networks/links.py on the server does.

   The list of top-level domains is a module that the server makes (app/web/assets.py). */
import { numbers } from "../shared/page.js";
import { domains as listed } from "./domains.js";

const { maxUrlCharacters, maxTcoSlug } = numbers.counting;

const SCHEME = "[hH][tT][tT][pP][sS]?:\\/\\/";
const TOKEN = new RegExp(
  `(${SCHEME})?((?:(?!${SCHEME})` +
    "[^\\s\\x1C-\\x1F\\x85!'#%&()*+,\\/:;<=>?@[\\]\\\\^\\{\\|\\}~$" +
    "\\u061C\\u200E\\u200F\\u202A-\\u202E\\u2066-\\u2069\\uFFFE\\uFEFF\\uFFFF])+)",
  "gu",
);
const PLAIN_RUN = /[\p{Script=Latin}0-9][\p{Script=Latin}0-9.-]*/gu;
const NEVER_BEFORE_A_LINK = /[A-Za-z0-9@＠$#＃\uFFFE\uFEFF\uFFFF]/u;
const PLAIN_TLD = /[xX][nN]--[0-9A-Za-z-]+|[A-Za-z]+(?![0-9A-Za-z@+-])/y;
const AFTER_A_TLD = /(?![0-9A-Za-z@+-])/y;
const PORT = /:[0-9]+/y;

/* What may follow the domain of a link: characters of a path, what ends none, and a query. */
function rulesOf(character, neverLast, query) {
  const parentheses = `(?!\\(\\))\\(${character}*(?:\\(${character}+\\)${character}*)?\\)`;
  return { step: new RegExp(`${character}+|${parentheses}`, "uy"), neverLast, query };
}

const X_RULES = rulesOf(
  "[\\p{Script=Latin}\\p{Script=Cyrillic}0-9!*';:=+,.$\\/%#[\\]\\-–_~@\\|&]",
  "!*';:,.$%[]–~@|&",
  /\?[A-Za-z0-9!?*'@();:&=+$/%#[\]\-_.,~|]*[A-Za-z0-9\-_&=#/]/y,
);
const LETTERS =
  "\\u00A0-\\uD7FF\\uE000-\\uFDCF\\uFDF0-\\uFFEF\\u{10000}-\\u{DFFFD}\\u{E1000}-\\u{10FFFD}";
const MASTODON_RULES = rulesOf(
  "[^\\s\\x1C-\\x1F\\x85<>()?]",
  "!*\"'「」<>;:=,.$%[]~&|@",
  new RegExp(
    `\\?[A-Za-z0-9!?*'();:&=+$\\/%#\\[\\]\\-_.,~\\|@\\^${LETTERS}]*[A-Za-z0-9_&=#\\/\\-${LETTERS}]`,
    "uy",
  ),
);
const TCO =
  /^https?:\/\/t\.co\/([a-z0-9]+)(?:\?[a-z0-9!?*'@();:&=+$/%#[\]\-_.,~|]*[a-z0-9\-_&=#/])?/i;

const HAS_SCHEME = new RegExp(`^${SCHEME}`);

const domains = new Set(listed);
const longestDomain = Math.max(...listed.map((name) => name.length));

/* Where a sticky pattern's match at a position ends; the position itself when there is none. */
function endOf(pattern, text, at) {
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  return match ? at + match[0].length : at;
}

function tldEnd(text, start) {
  const plainEnd = endOf(PLAIN_TLD, text, start);
  if (plainEnd > start) {
    const name = text.slice(start, plainEnd).toLowerCase();
    return name.startsWith("xn--") || domains.has(name) ? plainEnd : null;
  }
  for (let end = Math.min(text.length, start + longestDomain); end > start; end -= 1) {
    AFTER_A_TLD.lastIndex = end;
    if (domains.has(text.slice(start, end).toLowerCase()) && AFTER_A_TLD.test(text)) {
      return end;
    }
  }
  return null;
}

/* Where the longest domain from a position ends, and where another could begin. */
function domainEnd(text, start, stop) {
  let end = null;
  let afterAName = false;
  let at = start;
  for (const label of text.slice(start, stop).split(".")) {
    if (afterAName) {
      end = tldEnd(text, at) ?? end;
    }
    at += label.length + 1;
    if (label === "" || "-_".includes(label[0]) || "-_".includes(label.at(-1))) {
      break;
    }
    afterAName = !label.includes("_");
  }
  return [end, Math.min(at, stop)];
}

/* Where port, path and query after a domain end, and whether there is a path. */
function tail(text, at, rules) {
  let end = endOf(PORT, text, at);
  const hasPath = text[end] === "/";
  if (hasPath) {
    let next = end + 1;
    do {
      end = next;
      next = endOf(rules.step, text, end);
    } while (next > end);
    while (rules.neverLast.includes(text[end - 1])) {
      end -= 1;
    }
  }
  return [endOf(rules.query, text, end), hasPath];
}

function withScheme(text, start, domainStop, rules) {
  const [end] = tail(text, domainStop, rules);
  const shortened = TCO.exec(text.slice(start, end));
  if (!shortened) {
    return [[[start, end]], end];
  }
  const fits = shortened[1].length <= maxTcoSlug;
  return [fits ? [[start, start + shortened[0].length]] : [], end];
}

/* Only Latin letters make a link without a scheme; other scripts around it are prose. */
function withoutScheme(text, start, domainStop, rules) {
  const [end, hasPath] = tail(text, domainStop, rules);
  if (start > 0 && "-_./".includes(text[start - 1])) {
    return [[], end];
  }
  const spans = [];
  for (const run of text.slice(start, domainStop).matchAll(PLAIN_RUN)) {
    const from = start + run.index;
    const [plainEnd] = domainEnd(text, from, from + run[0].length);
    if (plainEnd !== null) {
      spans.push([from, plainEnd]);
    }
  }
  const last = spans.at(-1);
  if (hasPath && last && last[1] === domainStop) {
    last[1] = end;
  }
  return [spans, end];
}

/* The first position from "at" on where a domain may begin, null when there is none. */
function nextStart(text, at, stop) {
  for (let start = at; start < stop; start += 1) {
    const free = start === 0 || !NEVER_BEFORE_A_LINK.test(text[start - 1]);
    if (free && !"-_.".includes(text[start])) {
      return start;
    }
  }
  return null;
}

/* The links of one token as [start, end] pairs, and where to read on. */
function linksOf(text, token, rules) {
  const run = token.index + (token[1] ?? "").length;
  const stop = run + token[2].length;
  if (token[1] && nextStart(text, token.index, run) === token.index) {
    const [end] = domainEnd(text, run, stop);
    if (end !== null) {
      return withScheme(text, token.index, end, rules);
    }
  }
  let start = nextStart(text, run, stop);
  while (start !== null) {
    const [end, next] = domainEnd(text, start, stop);
    if (end !== null) {
      return withoutScheme(text, start, end, rules);
    }
    start = nextStart(text, next, stop);
  }
  return [[], stop];
}

export function linksIn(text, rules = X_RULES) {
  const found = [];
  TOKEN.lastIndex = 0;
  let token = TOKEN.exec(text);
  while (token) {
    const [spans, next] = token[2].includes(".")
      ? linksOf(text, token, rules)
      : [[], TOKEN.lastIndex];
    found.push(...spans.filter(([start, end]) => end - start <= maxUrlCharacters));
    TOKEN.lastIndex = next;
    token = TOKEN.exec(text);
  }
  return found;
}

/* The links with a scheme that a Mastodon server sees. */
export function linksAtMastodon(text) {
  return linksIn(text, MASTODON_RULES).filter(([start, end]) =>
    HAS_SCHEME.test(text.slice(start, end)),
  );
}
