"""What the sandbox's Mastodon makes of a text: how long it is, and the HTML it becomes."""

from html import escape
from urllib.parse import urlsplit

import regex

LINK = regex.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?'()]", regex.IGNORECASE)
MENTION = regex.compile(r"(?<![=/\w])@(\w+)(@[\w.\-]+\w)?")
HASHTAG = regex.compile(r"(?<![&/\w#])#(\w*[^\W\d]\w*)")
ELSEWHERE = "friends.example"
"""The server of everybody whom only a past knows."""
LINK_LENGTH = 23
SHOWN = 30


def length(text: str) -> int:
    """Grapheme clusters; a link counts 23, and a mention only what is before its host."""
    counted = MENTION.sub(r"@\1", LINK.sub("x" * LINK_LENGTH, text))
    return len(regex.findall(r"\X", counted))


def full_mentions(text: str) -> str:
    """``text`` with ``@ben`` as ``@ben@friends.example``."""
    return MENTION.sub(lambda found: found[0] if found[2] else f"{found[0]}@{ELSEWHERE}", text)


def mentioned(text: str) -> list[tuple[str, str]]:
    """Name and host of everybody of another server whom a text mentions, each once."""
    found = [(name, host.lstrip("@")) for name, host in MENTION.findall(LINK.sub("", text))]
    return list(dict.fromkeys((name, host) for name, host in found if "." in host))


def hashtags(text: str) -> list[str]:
    """The hashtags of a text in lower case, each once."""
    return list(dict.fromkeys(tag.lower() for tag in HASHTAG.findall(LINK.sub("", text))))


def html_of(text: str, home: str) -> str:
    """A post's ``content``: paragraphs, and links of which the eye sees only a part.

    ``home`` is the address of the server, to which hashtags lead.
    """
    paragraphs = regex.split(r"\n{2,}", text.strip())
    return "".join(f"<p>{_lines(paragraph, home)}</p>" for paragraph in paragraphs if paragraph)


def _lines(paragraph: str, home: str) -> str:
    return "<br />".join(_words(line, home) for line in paragraph.split("\n"))


def _words(line: str, home: str) -> str:
    done, pieces = 0, []
    for link in LINK.finditer(line):
        pieces += [_mentions(line[done : link.start()], home), _link(link[0])]
        done = link.end()
    return "".join([*pieces, _mentions(line[done:], home)])


def _link(url: str) -> str:
    start = url.index("://") + 3
    prefix, rest = url[:start], url[start:]
    shown, hidden = rest[:SHOWN], rest[SHOWN:]
    kind = "ellipsis" if hidden else ""
    return (
        f'<a href="{escape(url)}" target="_blank" rel="nofollow noopener" translate="no">'
        f'<span class="invisible">{escape(prefix)}</span><span class="{kind}">{escape(shown)}'
        f'</span><span class="invisible">{escape(hidden)}</span></a>'
    )


def _mentions(words: str, home: str) -> str:
    done, pieces = 0, []
    for mention in MENTION.finditer(words):
        host = (mention[2] or "").lstrip("@")
        pieces.append(_tags(words[done : mention.start()], home))
        if host and "." in host:
            url = escape(f"https://{urlsplit('//' + host).hostname}/@{mention[1]}")
            pieces.append(
                f'<span class="h-card" translate="no"><a href="{url}" class="u-url mention">'
                f"@<span>{escape(mention[1])}</span></a></span>"
            )
        else:
            pieces.append(escape(mention[0], quote=False))
        done = mention.end()
    return "".join([*pieces, _tags(words[done:], home)])


def _tags(words: str, home: str) -> str:
    done, pieces = 0, []
    for tag in HASHTAG.finditer(words):
        url = escape(f"{home}tags/{tag[1]}")
        pieces += [
            escape(words[done : tag.start()], quote=False),
            f'<a href="{url}" class="mention hashtag" rel="tag">#<span>{tag[1]}</span></a>',
        ]
        done = tag.end()
    return "".join([*pieces, escape(words[done:], quote=False)])
