"""The faults that a person sets with one click."""

from dataclasses import dataclass
from typing import Any

EVERYBODY = ""


@dataclass(frozen=True)
class Preset:
    """A button: its stable name, its label, and the fault it sets."""

    name: str
    label: str
    fault: dict[str, Any]


GROUPS: dict[str, list[Preset]] = {
    "The next Tweet": [
        Preset("slow", "Answer slowly (8 s)", {"kind": "slow", "seconds": 8}),
        Preset("refuse", "Refuse the next Tweet", {"kind": "refuse"}),
        Preset("fail", "Answer 503, take nothing", {"kind": "status", "status": 503}),
        Preset("drop", "Drop the line, take nothing", {"kind": "drop"}),
        Preset(
            "take-fail",
            "Take the Tweet, then answer 503",
            {"kind": "accept_then_status", "status": 503},
        ),
        Preset("take-drop", "Take the Tweet, then drop the line", {"kind": "accept_then_drop"}),
        Preset(
            "take-hang",
            "Take the Tweet, then hang 30 s",
            {"kind": "accept_then_hang", "seconds": 30},
        ),
        Preset("take-garbage", "Take the Tweet, answer nonsense", {"kind": "garbage"}),
        Preset("take-cut", "Take the Tweet, cut the answer short", {"kind": "truncated"}),
    ],
    "For a while": [
        Preset("down", "503 for a minute", {"kind": "status", "status": 503, "for_seconds": 60}),
        Preset("limit", "Rate limit 30 s", {"kind": "rate_limit", "for_seconds": 30}),
        Preset(
            "day-limit",
            "Daily limit for a minute",
            {"kind": "rate_limit", "group": "user-day", "for_seconds": 60},
        ),
        Preset("credits", "Out of credits for a minute", {"kind": "credits", "for_seconds": 60}),
        Preset(
            "blind",
            "Timeline unreadable for a minute",
            {"operation": "timeline", "kind": "status", "status": 503, "for_seconds": 60},
        ),
        Preset(
            "loop",
            "Pages of the timeline lead to themselves for a minute",
            {"operation": "timeline", "kind": "page_loop", "for_seconds": 60},
        ),
    ],
    "The next mail": [
        Preset("mail-refuse", "Refuse it for now", {"operation": "mail", "kind": "refuse"}),
        Preset(
            "mail-refuse-for-good",
            "Refuse it for good",
            {"operation": "mail", "kind": "refuse", "status": 550},
        ),
        Preset("mail-drop", "Drop the line", {"operation": "mail", "kind": "drop"}),
        Preset(
            "mail-take-drop",
            "Take it, then drop the line",
            {"operation": "mail", "kind": "accept_then_drop"},
        ),
    ],
    "The next token refresh": [
        Preset(
            "refresh-late",
            "Spend the token, answer 20 s late",
            {"operation": "token", "kind": "accept_then_hang", "seconds": 20},
        ),
        Preset(
            "refresh-lost",
            "Spend the token, lose the answer",
            {"operation": "token", "kind": "accept_then_drop"},
        ),
        Preset(
            "refresh-fail",
            "Answer 503, spend nothing",
            {"operation": "token", "kind": "status", "status": 503},
        ),
    ],
}
PRESETS = {preset.name: preset for presets in GROUPS.values() for preset in presets}


def describe(fault: dict[str, Any]) -> str:
    """One line about an active fault."""
    words = [f"{fault['operation']}: {fault['kind'].replace('_', ' ')}"]
    if fault["status"]:
        words.append(str(fault["status"]))
    words.append(f"for @{fault['handle']}" if fault["handle"] else "for everyone")
    if fault["count"] is not None:
        words.append(f"({fault['count']} more)")
    elif fault["for_seconds"]:
        words.append(f"(within {fault['for_seconds']:g} s of being set)")
    return " ".join(words)
