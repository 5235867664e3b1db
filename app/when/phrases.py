"""Translates the time words of each language into a small English that ``parser`` reads.

Every table is a list of (pattern, replacement), applied in order to lower-case text without
accents. Unknown words stay as they are, and the parser then does not understand them. To add a
language, add a table here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

Replacement = str | Callable[[re.Match[str]], str]
Table = list[tuple[re.Pattern[str], Replacement]]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

_ENGLISH_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30,
    "forty": 40, "forty-five": 45, "fifty": 50, "sixty": 60, "ninety": 90, "a couple of": 2,
}  # fmt: skip
_SPANISH_NUMBERS = {
    "un par de": 2, "un": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6,
    "siete": 7, "ocho": 8, "nueve": 9, "diez": 10, "once": 11, "doce": 12, "quince": 15,
    "veinte": 20, "treinta": 30, "cuarenta": 40, "cuarenta y cinco": 45, "cincuenta": 50,
    "trece": 13, "catorce": 14, "dieciseis": 16, "diecisiete": 17, "dieciocho": 18,
    "diecinueve": 19, "veintiuna": 21, "veintiuno": 21, "veintidos": 22, "veintitres": 23,
    "veinticuatro": 24, "veinticinco": 25, "veintiseis": 26, "veintisiete": 27,
    "veintiocho": 28, "veintinueve": 29,
    "sesenta": 60, "noventa": 90, "primero": 1,
}  # fmt: skip
_ENGLISH_SHORT = {name[:3]: name for name in (*WEEKDAYS, *MONTHS)} | {
    "tues": "tuesday", "thur": "thursday", "thurs": "thursday", "sept": "september",
}  # fmt: skip
_SPANISH_NAMES = {
    "lunes": "monday", "martes": "tuesday", "miercoles": "wednesday", "jueves": "thursday",
    "viernes": "friday", "sabado": "saturday", "domingo": "sunday", "enero": "january",
    "febrero": "february", "marzo": "march", "abril": "april", "mayo": "may", "junio": "june",
    "julio": "july", "agosto": "august", "septiembre": "september", "setiembre": "september",
    "octubre": "october", "noviembre": "november", "diciembre": "december", "ene": "january",
    "abr": "april", "dic": "december", "lun": "monday", "mie": "wednesday",
    "jue": "thursday", "vie": "friday", "sab": "saturday", "dom": "sunday",
    "hoy": "today", "ayer": "yesterday",
    "manana": "tomorrow", "mediodia": "noon", "medianoche": "midnight", "semana": "week",
    "semanas": "weeks", "mes": "month", "meses": "months", "dia": "day", "dias": "days",
    "hora": "hour", "horas": "hours", "minuto": "minute", "minutos": "minutes",
    "segundo": "second", "segundos": "seconds", "seg": "second", "ano": "year", "anos": "years",
}  # fmt: skip


def _words(meanings: dict[str, str] | dict[str, int]) -> tuple[re.Pattern[str], Replacement]:
    """Return a table line that replaces each whole word by its meaning, longest first."""
    longest_first = sorted(meanings, key=len, reverse=True)
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")
    return pattern, lambda found: str(meanings[found[0]])


def _table(*lines: tuple[str, Replacement]) -> Table:
    return [(re.compile(pattern), replacement) for pattern, replacement in lines]


def _quarter_before(found: re.Match[str]) -> str:
    return f"at {(int(found[1]) - 1) % 24}:45"


def _minutes_after(found: re.Match[str]) -> str:
    return f"at {found[1]}:{int(found[2]):02}"


def _minutes_before(found: re.Match[str]) -> str:
    hour, minutes = int(found[1]), int(found[2])
    return f"at {(hour - 1) % 24}:{60 - minutes:02}" if 0 < minutes < 60 else found[0]


def _and_a_half(found: re.Match[str]) -> str:
    return f"{found[1] or 1} hours 30 minutes"


_COMING = "lunes|martes|miercoles|jueves|viernes|sabado|domingo|semana|mes"
_A_MONTH = "ene|feb|mar|abr|apr|may|jun|jul|ago|aug|sep|set|oct|nov|dic|dec|jan"
"""The first letters of the names of months."""
_SPANISH: Table = [
    *_table(
        (r"\bat once\b", "now"),  # before "once" is 11
        (r"^¡?(?:ahora mismo|ya mismo|ahora|ya|inmediatamente|enseguida)!*$", "now"),
        (r"\b(?:ahora mismo|ahora|ya)\b", "now"),
        # "mar" is a month, unless it stands where only a weekday can.
        (r"\bmar(?= \d{1,2} (?:de )?[a-z]| a las?\b)", "martes"),
        (rf"\bel (?:dia )?(\d{{1,2}})\b(?! (?:de )?(?:{_A_MONTH})|[/.:\-])", r"day-\1"),
        (r"\bpasado manana\b", "day after tomorrow"),
        (r"\b(?:anteayer|antes de ayer)\b", "2 days ago"),
        (r"\besta (manana|tarde|noche)\b", r"today por la \1"),
        (r"\b(?:de|por|en) la manana\b", "morning"),
        (r"\b(?:de la|de|por la) madrugada\b", "am"),
        (r"\b(?:de|por|en) la tarde\b", "afternoon"),
        (r"\b(?:de|por|en|a) la noche\b", "night"),
        (r"\b(?:al?|del?|a la) (mediodia|medianoche)\b", r"\1"),
        (r"\bnoche\b", "night"),
        (r"^hace (.+)$", r"\1 ago"),
    ),
    _words(_SPANISH_NUMBERS),
    *_table(
        (r"\ba las? (?=\d)", "at "),
        (r"\bat (\d+) y media\b", r"at \1:30"),
        (r"\bat (\d+) y cuarto\b", r"at \1:15"),
        (r"\bat (\d+) menos cuarto\b", _quarter_before),
        (r"\bat (\d+) y ([1-5]?\d)\b(?: minutos)?", _minutes_after),
        (r"\bat (\d+) menos (\d+)\b(?: minutos)?", _minutes_before),
        (r"\bat (\d+(?::\d+)?) en punto\b", r"at \1"),
        (r"\b(?:1 )?media hora\b", "30 minutes"),
        (r"\b(?:1 )?cuarto de hora\b", "15 minutes"),
        (r"\b3 cuartos de hora\b", "45 minutes"),
        (r"\b(?:(\d+) )?horas? y media\b", _and_a_half),
        (r"\b(?:dentro de|en) (?=-?\d)", "in "),
        (rf"\bproxim[oa] ({_COMING})\b", r"next \1"),
        (rf"\b({_COMING}) (?:que viene|proxim[oa])\b", r"next \1"),
        (r"\b(\d{1,2}) (?:de )?ago\b", r"\1 august"),
        (r" y (?=\d)", " and "),
    ),
    _words(_SPANISH_NAMES),
    *_table((r"\beste (?=\w+day\b)", ""), (r"\b(?:el|la|los|de|del)\b", " ")),
]

_ENGLISH: Table = [
    *_table(
        (r"\b(?:right now|immediately|right away|straight away)\b", "now"),
        (r"^now!+$", "now"),
        (rf"\bthe (\d{{1,2}})(?:st|nd|rd|th)?\b(?! (?:of )?(?:{_A_MONTH})|[/.:\-])", r"day-\1"),
        (r"\ba\.? ?m\b\.?", "am"),
        (r"\bp\.? ?m\b\.?", "pm"),
        (r"\bthis (morning|afternoon|evening)\b", r"today \1"),
        (r"\btonight\b", "today night"),
        (r"\bin the (morning|afternoon|evening)\b", r"\1"),
        (r"\b(?:at night|evening)\b", "night"),
        (r"\b(?:at )?midday\b", "noon"),
        (r"\bat (?=noon\b|midnight\b)", ""),
    ),
    _words(_ENGLISH_NUMBERS),
    *_table(
        (r"\b(?:half an?|an? half) hour\b", "30 minutes"),
        (r"\b(?:a )?quarter of an hour\b", "15 minutes"),
        (r"\ban? (?=(?:second|minute|hour|day|week|month|year)\b)", "1 "),
        (r"\b(\d+) hours? and a half\b", _and_a_half),
        (r"\b(\d+) and a half hours\b", _and_a_half),
        (r"\b(?:at )?half past (\d+)\b", r"at \1:30"),
        (r"\b(?:at )?(?:a )?quarter past (\d+)\b", r"at \1:15"),
        (r"\b(?:at )?(?:a )?quarter to (\d+)\b", _quarter_before),
        (r"\b(?:at )?(\d+) ?o'?clock\b", r"at \1"),
        (r"^(.+) (?:from now|later)$", r"in \1"),
        (r"\bthis (?=\w+day\b)", ""),
        (r"\b(\d{1,2})(?:st|nd|rd|th)\b", r"\1"),
    ),
    _words(_ENGLISH_SHORT),
    *_table((r"\b(?:on|the|of)\b", " ")),
]

_EVERYBODY: Table = _table(
    (r"\bat (\d{1,2}) ?h ?(\d\d)\b", r"at \1:\2"),
    (r"\bat (\d{1,2}(?::\d\d){0,2}) ?(?:hs?|hrs?|hours?)\b\.?", r"at \1"),
    (r"\bat (\d{1,2})\.(\d\d)\b", r"at \1:\2"),
    (r"\b(today|tomorrow) (\d{1,2})$", r"\1 at \2"),
    (r"\bnight (?:at )?midnight\b", "night at 12"),
    (r"^\+ ?(?=\d)", "in "),
    (r"^(in \d+) ?h(?:ours?)? ?(?:and )?(\d+)$", r"\1 hours \2 minutes"),
    (r"[,;.]+(?= |$)", " "),
)


def in_plain_words(words: str) -> str:
    """Return ``words`` in the small English that ``parser`` reads."""
    said = _flat(words)
    # Spanish first: its "a las", "de la" and "once" must be whole before English looks at them.
    for table in (_SPANISH, _ENGLISH, _EVERYBODY):
        for pattern, replacement in table:
            said = pattern.sub(replacement, said)
        said = " ".join(said.split())
    return said


def _flat(words: str) -> str:
    """Return lower-case text without accents, with plain digits and single spaces."""
    letters = unicodedata.normalize("NFKD", words.casefold())
    plain = (c if not c.isdecimal() else str(unicodedata.decimal(c)) for c in letters)
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
