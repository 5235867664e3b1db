"""What was picked by name for a tweet: a selection of accounts, hashtags, a signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_login import current_user

from app.models import ALL, Account, content, preset
from app.networks import TextProblem
from app.planning import PresetProblem, presets
from app.web import schemas
from app.web.tweets.payload import id_in

SELECTION = "selection:"
"""What the name of a selection in place of accounts begins with."""


def accounts_said(said: Any) -> Any:
    """Return accounts as they were said, the ids of a selection in place of its name.

    :raises PresetProblem: there is no such selection, or no account of it is connected.
    """
    if isinstance(said, str) and said.startswith(SELECTION):
        return _selected(int(said.removeprefix(SELECTION)), "accounts")
    return said


def of_json(said: Any) -> tuple[Any, PresetProblem | None]:
    """Return the accounts that were said, and why their selection cannot be used."""
    try:
        return accounts_said(said), None
    except PresetProblem as problem:
        return [], problem


def of_form(
    given: Mapping[str, Any], accounts: Any, parts: Sequence[dict[str, Any]]
) -> tuple[Any, PresetProblem | None]:
    """Return the accounts of a form, and why its selection cannot be used; None for nothing.

    A selection is taken in place of the ticks, and hashtags are added to the first of the
    ``parts``. The page that comes back shows both as if they had been ticked and typed.
    """
    hashtags, selection = (id_in(str(given.get(one) or "")) for one in ("hashtags", "selection"))
    if hashtags and hashtags <= schemas.LARGEST_ID:
        parts[0]["text"] = _joined(parts[0]["text"], presets.hashtags(current_user, hashtags))
    if not selection:
        return accounts, None
    try:
        return _selected(selection, "accounts"), None
    except PresetProblem as problem:
        return accounts, problem


def signature(said: Any) -> int | str:
    """Return which signature was said: the id of one, "none", or "" for what accounts have."""
    return said if said == "none" else id_in(str(said or "")) or ""


def signed(draft: content.Draft, accounts: Any, chosen: int | str | None) -> content.Draft:
    """Return a draft with the signatures of its accounts, which may be none.

    Accounts that are not there are passed over here: who stores the draft refuses them.

    :raises PresetProblem: ``unknown_signature``.
    """
    mine = current_user.accounts
    if not accounts:
        mine = mine[:1]
    elif accounts != ALL:
        mine = [one for one in mine if one.id in accounts]
    if isinstance(chosen, int) and chosen > schemas.LARGEST_ID:
        raise PresetProblem("unknown_signature", "signature")
    words = presets.signatures_for(current_user, mine, chosen)
    return preset.signed(draft, words) if any(words.values()) else draft


def too_long(problem: TextProblem, before: content.Draft, after: content.Draft) -> TextProblem:
    """Return why a text does not fit, saying so where its signature is counted.

    :param before: the draft as it was written; :param after: the same with its signatures.
    """
    if before is after or problem.code not in {"too_long", "too_many_bytes"}:
        return problem
    kind, _dash, rest = str(problem.params.get("field")).partition("-")
    account, _dash, number = rest.partition("-")
    known = {**problem.params, "signed": True}
    if kind == "variant" and int(account) not in before.variants:
        known["field"] = f"part-{number}" if number else "text"
    return TextProblem(problem.code, **known)


def composed(accounts: Sequence[Account]) -> dict[str, Any]:
    """Return what a composer offers: selections, signatures and sets of hashtags, by kind."""
    found = preset.all_of(current_user.id)
    return {
        "selections": [
            {"id": row.id, "name": row.name, "accounts": presets.accounts_of(row, accounts)}
            for row in found[preset.PresetKind.SELECTION]
        ],
        "signatures": found[preset.PresetKind.SIGNATURE],
        "hashtags": found[preset.PresetKind.HASHTAGS],
    }


def _selected(preset_id: int, field: str) -> list[int]:
    if preset_id > schemas.LARGEST_ID:
        raise PresetProblem("unknown_selection", field)
    return presets.selected(current_user, preset_id, field)


def _joined(text: str | None, words: str) -> str:
    typed = text or ""
    is_apart = not typed or not words or typed[-1].isspace()
    return f"{typed}{words}" if is_apart else f"{typed} {words}"
