/* How long a text is, counted as the networks' files on the server do, which has the last word.

   length(text) is X's weighted length: links, emoji and wide characters have a weight, everything
   else weighs 1. lengthAs(text, unit, linkLength) counts in the unit of a network: "weighted",
   "graphemes", "codepoints" or "utf16". */
import { numbers } from "../shared/page.js";
import { linksAtMastodon, linksIn } from "./links.js";

const { urlWeight, wideWeight } = numbers.counting;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are light for X, too.
const WIDE = /[^\u0000-\u10FF\u2000-\u200D\u2010-\u201F\u2032-\u2037]/gu;
const PICTURE =
  "(?:\\p{Emoji_Modifier_Base}\\p{Emoji_Modifier}" +
  "|(?![©®](?!\\uFE0F))\\p{Extended_Pictographic}\\uFE0F?)";
const EMOJI = new RegExp(
  "\\p{Regional_Indicator}{2}" +
    "|[0-9#*]\\uFE0F?\\u20E3" +
    "|\\u{1F3F4}[\\u{E0030}-\\u{E0039}\\u{E0061}-\\u{E007A}]{3,6}\\u{E007F}" +
    `|${PICTURE}(?:\\u200D${PICTURE}){0,3}`,
  "gu",
);

const LINE_END = /\r\n|[\r\v\f\u0085\u2028\u2029]/g;
const AROUND_DIGITS = /\u202D([0-9+()\-./#*,;:\t \u00A0\u2010-\u2015\u202F\uFEFF]*)(?:\u202C|$)/gm;

const SINCE_2020 = new Set(
  (
    "cpa kids llp music spa merck amazon アマゾン 亚马逊 xn--cckwcxetd xn--jlq480n2rg ລາວ xn--q7ce6a " +
    "ישראל xn--4dbrk0ce موريتانيا xn--mgbah1a3hjkrd"
  ).split(" "),
);
const JOINED = /\p{M}\u200D?\p{Lo}/gu;
const WORD = "[\\p{L}\\p{N}_]";
const MENTION = new RegExp(
  "(?<![=/\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200C\\u200D])@([A-Za-z0-9_](?:[A-Za-z0-9_.\\-]*[A-Za-z0-9_])?)" +
    `(?:@${WORD}(?:[\\p{L}\\p{N}_.\\-]*${WORD})?(?::[0-9]+)?)?`,
  "gu",
);

function proseLength(text) {
  let emojis = 0;
  const rest = text.replace(EMOJI, () => {
    emojis += 1;
    return "";
  });
  const wide = (rest.match(WIDE) ?? []).length;
  return emojis * wideWeight + Array.from(rest).length + wide * (wideWeight - 1);
}

function normalised(written) {
  const lines = written.replace(LINE_END, "\n").replace(AROUND_DIGITS, "$1");
  return lines.replaceAll("\uFEFF", "").normalize("NFC");
}

export function length(written) {
  const text = normalised(written);
  let total = 0;
  let done = 0;
  for (const [start, end] of linksIn(text)) {
    total += proseLength(text.slice(done, start)) + urlWeight;
    done = end;
  }
  return total + proseLength(text.slice(done));
}

const segmenter = window.Intl.Segmenter
  ? new Intl.Segmenter(undefined, { granularity: "grapheme" })
  : null;

function graphemes(text) {
  return Array.from(segmenter ? segmenter.segment(text) : text).length;
}

/* As servers with an older Unicode count them: letters that newer ones join are several. */
function unjoined(text) {
  const parts = segmenter
    ? Array.from(segmenter.segment(text), (one) => one.segment)
    : Array.from(text);
  return parts.reduce((sum, part) => sum + 1 + (part.match(JOINED) ?? []).length, 0);
}

function isUnknownToMastodon(url) {
  const host = url.slice(url.indexOf("//") + 2).split(/[/?#:]/)[0];
  return SINCE_2020.has(host.slice(host.lastIndexOf(".") + 1).toLowerCase());
}

/* As Mastodon counts: every link with a scheme the same, of a mention only the name. */
function atMastodon(text, linkLength) {
  const parts = [];
  let done = 0;
  for (const [start, end] of linksAtMastodon(text)) {
    if (!isUnknownToMastodon(text.slice(start, end))) {
      parts.push(text.slice(done, start), "x".repeat(linkLength));
      done = end;
    }
  }
  return unjoined([...parts, text.slice(done)].join("").replace(MENTION, "@$1"));
}

/* As strictly as any other server that speaks Mastodon's language. */
function codePoints(text, linkLength) {
  return linksAtMastodon(text).reduce(
    (sum, [start, end]) =>
      sum + Math.max(0, (linkLength ?? 0) - Array.from(text.slice(start, end)).length),
    Array.from(text).length,
  );
}

export function lengthAs(written, unit, linkLength) {
  if (unit === "weighted") {
    return length(written);
  }
  const text = normalised(written);
  if (unit === "utf16") {
    return text.length;
  }
  if (unit === "codepoints") {
    return codePoints(text, linkLength);
  }
  return linkLength === undefined ? graphemes(text) : atMastodon(text, linkLength);
}

export function bytes(written) {
  return new TextEncoder().encode(normalised(written)).length;
}
