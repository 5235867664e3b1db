"""Servers that people type: one spelling for each, and only those on the public internet."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import idna
import regex
from requests.utils import get_environ_proxies, select_proxy

from app.networks.http.dns import names
from app.networks.oauth import is_loopback

HTTPS = 443
MAX_NAME = 253
MAX_LABEL = 63
MAX_TYPED = 500
"""Characters of a server with what people paste around its name."""
Resolve = Callable[[str, int], list[str]]
NOT_THE_INTERNET = tuple(
    ip_network(written)
    for written in (
        "192.0.0.0/24",  # Oracle's machines learn their secrets there
        "192.88.99.0/24",
        "168.63.129.16/32",  # and Azure's there
        "2001::/23",
        "2002::/16",
        "3fff::/20",
    )
)
"""What looks public, or does to some versions of Python."""
GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")

_INSIDE = re.compile(r"(?:.+\.)?(?:localhost|local|internal|home\.arpa)")
"""Names that are set apart for networks of one's own, whatever a look-up finds."""
_INVISIBLE = regex.compile(r"\p{Cf}")
_NEVER_IN_A_NAME = re.compile(r"[\x00-\x2c/:-@\[-^`{-\x7f]")  # ASCII but letters, digits, - and _
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_AFTER_AUTHORITY = re.compile(r"[/?#\\]")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:@\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
_LABEL = r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?"
# The last label has a letter first, so every way of writing an address as a number is out.
_NAME = re.compile(rf"(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")
# In a network of one's own a name may have one label, and underscores.
_PRIVATE_LABEL = r"[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?"
_PRIVATE_NAME = re.compile(rf"(?:{_PRIVATE_LABEL}\.)*(?=[a-z_]){_PRIVATE_LABEL}")


class NotPublic(ValueError):
    """It names a server that is not on the public internet."""


def public_https_url(typed: str, allow_private: bool, resolve: Resolve = names.addresses_of) -> str:
    """Return ``https://host`` for what was typed: a name, an address, or ``@ana@host``.

    A port is kept; path and letter case are not. The name is looked up, and each of its addresses
    must be public; http.call(public_only=True) makes sure of the one that is connected to. A name
    that only a proxy can look up is left to it.

    :param allow_private: any address will do, and this machine is spoken to by plain http.
    :raises NotPublic: it leads into a private network, by its spelling or by its look-up.
    :raises ValueError: it names no server.
    """
    host, port = _host_and_port(typed)
    if allow_private:
        if not (_is_address(host) or (len(host) <= MAX_NAME and _PRIVATE_NAME.fullmatch(host))):
            raise ValueError("this is not the name of a server")
        plain = is_loopback(f"http://{host}") and not typed.strip().lower().startswith("https:")
        return f"{'http' if plain else 'https'}://{host}{f':{port}' if port else ''}"
    if _is_inside(host):
        raise NotPublic("this server is not on the public internet")
    if len(host) > MAX_NAME or not _NAME.fullmatch(host):
        raise ValueError("this is not the name of a server")
    _check_addresses(host, port or HTTPS, resolve)
    return f"https://{host}{f':{port}' if port not in (None, HTTPS) else ''}"


def is_proxied(url: str) -> bool:
    """Whether the environment names a proxy for calls there."""
    return select_proxy(url, get_environ_proxies(url)) is not None


def host_in(credentials: Mapping[str, Any]) -> str:
    """Return the server that these are for, "" for a network that has only one."""
    url = credentials.get("server_url") or credentials.get("pds_url") or ""
    return urlsplit(str(url)).netloc


def is_public(address: str) -> bool:
    """Whether a numeric address is one that anybody on the internet may be behind."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        if ip in NAT64:
            ip = IPv4Address(int(ip) & 0xFFFF_FFFF)
        elif ip not in GLOBAL_UNICAST:
            return False
    odd = ip.is_multicast or ip.is_reserved or any(ip in net for net in NOT_THE_INTERNET)
    return ip.is_global and not odd


def ascii_host(name: str) -> str:
    """Return a host's name as browsers look it up: IDNA 2008, where faß.de is not fass.de.

    Like them it takes names with emoji, which the standard leaves out; ASCII letters become small.

    :raises ValueError: it is too long, or has letters that no name can have.
    """
    if len(name) > MAX_NAME:  # before any costly work
        raise ValueError("this is too long for a name")
    if name.isascii():
        return name.lower()
    try:
        mapped = idna.uts46_remap(name, std3_rules=False, transitional=False)
    except UnicodeError as error:
        raise ValueError("a letter cannot be in a name") from error
    labels = [_ascii_label(label) for label in mapped.split(".")]
    if len(mapped) > MAX_NAME or any(len(label) > MAX_LABEL for label in labels):
        raise ValueError("this is too long for a name")
    return ".".join(labels)


def _ascii_label(label: str) -> str:
    if _NEVER_IN_A_NAME.search(label):
        raise ValueError("a letter cannot be in a name")
    if label.isascii() or len(label) > MAX_LABEL:
        return label
    return "xn--" + label.encode("punycode").decode("ascii")


def _is_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(host.strip("[]")))
    return False


def _is_inside(host: str) -> bool:
    """Whether a host is in a private network, however its address is written: 127.1, 0x7f000001."""
    with suppress(ValueError):
        return not is_public(str(ip_address(host.strip("[]"))))
    with suppress(ValueError, OSError):
        return not is_public(socket.inet_ntoa(socket.inet_aton(host)))
    return bool(_INSIDE.fullmatch(host))


def _host_and_port(typed: str) -> tuple[str, int | None]:
    if len(typed) > MAX_TYPED:  # before any costly work
        raise ValueError("this is too long for the address of a server")
    words = _INVISIBLE.sub("", typed).strip()
    scheme = _SCHEME.match(words)
    authority = _AFTER_AUTHORITY.split(words[scheme.end() if scheme else 0 :], maxsplit=1)[0]
    if not scheme:
        authority = authority.rpartition("@")[2]  # @ana@example.social
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise ValueError("this is not the address of a server")
    port = int(found["port"]) if found["port"] else None
    if port is not None and not 0 < port < 65_536:
        raise ValueError("there is no such port")
    host = found["host"]
    if not host.startswith("["):
        host = ascii_host(host)
    return host.removesuffix(".").lower(), port


def _check_addresses(host: str, port: int, resolve: Resolve) -> None:
    try:
        found = resolve(host, port)
    except TimeoutError as error:
        raise ValueError("the name look-up took too long") from error
    except OSError as error:
        if is_proxied(f"https://{host}:{port}"):
            return  # where names are the proxy's business, it alone knows
        raise ValueError("there is no server of this name") from error
    if not found or not all(map(is_public, found)):
        raise NotPublic("this server is not on the public internet")
