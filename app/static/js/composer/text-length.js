/* How long a text is, counted as the networks' files on the server do, which has the last word.

   TweetCounter.length(text) is X's weighted length: links 23, emoji and wide characters 2,
   everything else 1. TweetCounter.lengthAs(text, unit, linkLength) counts in the unit of a
   network: "weighted", "graphemes", "codepoints" or "utf16". Links need the list of top-level
   domains as JSON in an element with the id "tlds"; without it only links with a scheme are seen. */
(function () {
  "use strict";

  const URL_WEIGHT = 23;
  const WIDE_WEIGHT = 2;
  const MAX_URL_CHARACTERS = 4096;
  const MAX_TCO_SLUG = 40;

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
  const SINCE_2020 = new Set(
    ("cpa kids llp music spa merck amazon アマゾン 亚马逊 xn--cckwcxetd xn--jlq480n2rg ລາວ xn--q7ce6a " +
      "ישראל xn--4dbrk0ce موريتانيا xn--mgbah1a3hjkrd").split(" "),
  );
  const JOINED = /\p{M}\u200D?\p{Lo}/gu;
  const TCO = /^https?:\/\/t\.co\/([a-z0-9]+)(?:\?[a-z0-9!?*'@();:&=+$/%#[\]\-_.,~|]*[a-z0-9\-_&=#/])?/i;

  const HAS_SCHEME = new RegExp(`^${SCHEME}`);
  const WORD = "[\\p{L}\\p{N}_]";
  const MENTION = new RegExp(
    "(?<![=/\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200C\\u200D])@([A-Za-z0-9_](?:[A-Za-z0-9_.\\-]*[A-Za-z0-9_])?)" +
      `(?:@${WORD}(?:[\\p{L}\\p{N}_.\\-]*${WORD})?(?::[0-9]+)?)?`,
    "gu",
  );

  let domains = null;
  let longestDomain = 0;

  /* The page may still be loading when this file runs, so the list is read when it is needed. */
  function readDomains() {
    const element = domains === null ? document.getElementById("tlds") : null;
    if (element) {
      const list = JSON.parse(element.textContent);
      domains = new Set(list);
      longestDomain = list.reduce((most, name) => Math.max(most, name.length), 0);
    }
  }

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
      const known = domains === null ? name.length > 1 : domains.has(name);
      return name.startsWith("xn--") || known ? plainEnd : null;
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
    const fits = shortened[1].length <= MAX_TCO_SLUG;
    return [fits ? [[start, start + shortened[0].length]] : [], end];
  }

  /* Only Latin letters make a link without a scheme; other scripts around it are prose. */
  function withoutScheme(text, start, domainStop, rules) {
    const [end, hasPath] = tail(text, domainStop, rules);
    if (domains === null || (start > 0 && "-_./".includes(text[start - 1]))) {
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

  function linksIn(text, rules = X_RULES) {
    const found = [];
    TOKEN.lastIndex = 0;
    let token = TOKEN.exec(text);
    while (token) {
      const [spans, next] = token[2].includes(".") ? linksOf(text, token, rules) : [[], TOKEN.lastIndex];
      found.push(...spans.filter(([start, end]) => end - start <= MAX_URL_CHARACTERS));
      TOKEN.lastIndex = next;
      token = TOKEN.exec(text);
    }
    return found;
  }

  function proseLength(text) {
    let emojis = 0;
    const rest = text.replace(EMOJI, () => {
      emojis += 1;
      return "";
    });
    const wide = (rest.match(WIDE) ?? []).length;
    return emojis * WIDE_WEIGHT + Array.from(rest).length + wide * (WIDE_WEIGHT - 1);
  }

  function normalised(written) {
    const lines = written.replace(LINE_END, "\n").replace(AROUND_DIGITS, "$1");
    return lines.replaceAll("\uFEFF", "").normalize("NFC");
  }

  function length(written) {
    readDomains();
    const text = normalised(written);
    let total = 0;
    let done = 0;
    for (const [start, end] of linksIn(text)) {
      total += proseLength(text.slice(done, start)) + URL_WEIGHT;
      done = end;
    }
    return total + proseLength(text.slice(done));
  }

  const segmenter = window.Intl.Segmenter ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : null;

  function graphemes(text) {
    return Array.from(segmenter ? segmenter.segment(text) : text).length;
  }

  /* As servers with an older Unicode count them: letters that newer ones join are several. */
  function unjoined(text) {
    const parts = segmenter ? Array.from(segmenter.segment(text), (one) => one.segment) : Array.from(text);
    return parts.reduce((sum, part) => sum + 1 + (part.match(JOINED) ?? []).length, 0);
  }

  /* The links with a scheme that a Mastodon server sees. */
  function linksAtMastodon(text) {
    return linksIn(text, MASTODON_RULES).filter(([start, end]) => HAS_SCHEME.test(text.slice(start, end)));
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
      (sum, [start, end]) => sum + Math.max(0, (linkLength ?? 0) - Array.from(text.slice(start, end)).length),
      Array.from(text).length,
    );
  }

  function lengthAs(written, unit, linkLength) {
    if (unit === "weighted") {
      return length(written);
    }
    readDomains();
    const text = normalised(written);
    if (unit === "utf16") {
      return text.length;
    }
    if (unit === "codepoints") {
      return codePoints(text, linkLength);
    }
    return linkLength === undefined ? graphemes(text) : atMastodon(text, linkLength);
  }

  function bytes(written) {
    return new TextEncoder().encode(normalised(written)).length;
  }

  window.TweetCounter = { length, lengthAs, bytes };
})();
