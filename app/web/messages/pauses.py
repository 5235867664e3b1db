"""What people read about pauses: those who made them, and those whose tweets wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _

from app.models import Account, Pause, pause


def what_is_paused(one: Pause, networks: Mapping[str, str], accounts: Mapping[str, Account]) -> str:
    """Return what a pause is about, for operators.

    :param networks: the title of each network.
    :param accounts: the accounts of pauses, by the pauses' values.
    """
    if one.scope == pause.Scope.ALL:
        return _("Everything")
    if one.scope == pause.Scope.QUEUE:
        return _("The queue %(name)s", name=one.value)
    if one.scope == pause.Scope.NETWORK:
        return networks.get(one.value, one.value)
    account = accounts.get(one.value)
    if account is None:
        return _("An account that is gone")
    title = networks.get(account.network, account.network)
    return _("@%(handle)s on %(network)s", handle=account.handle, network=title)


def paused_for_owner(
    scopes: Sequence[tuple[str, str]], networks: Mapping[str, str], accounts: Sequence[Account]
) -> str | None:
    """Return a sentence about what is paused of somebody's accounts; None when nothing is.

    :param scopes: scope and value of each pause that lasts.
    """
    if (pause.Scope.ALL, "") in scopes or (pause.Scope.QUEUE, "publish") in scopes:
        return _("The people who run this site have paused posting.")
    names = [networks.get(value, value) for scope, value in scopes if scope == pause.Scope.NETWORK]
    names = [name for name in names if any(networks.get(a.network) == name for a in accounts)]
    names += [f"@{a.handle}" for a in accounts if (pause.Scope.ACCOUNT, str(a.id)) in scopes]
    if not names:
        return None
    return _(
        "The people who run this site have paused posting to %(names)s.", names=", ".join(names)
    )
