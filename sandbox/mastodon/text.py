"""What the sandbox's Mastodon makes of a text: how long it is, and the HTML it becomes."""

from html import escape
from urllib.parse import urlsplit

import regex

LINK = regex.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?'()]", regex.IGNORECASE)
MENTION = regex.compile(r"(?<![=/\w])@(\w+)(@[\w.\-]+\w)?")
LINK_LENGTH = 23
SHOWN = 30


def length(text: str) -> int:
    """Grapheme clusters; a link counts 23, and a mention only what is before its host."""
    counted = MENTION.sub(r"@\1", LINK.sub("x" * LINK_LENGTH, text))
    return len(regex.findall(r"\X", counted))


def html_of(text: str) -> str:
    """A post's ``content``: paragraphs, and links of which the eye sees only a part."""
    paragraphs = regex.split(r"\n{2,}", text.strip())
    return "".join(f"<p>{_lines(paragraph)}</p>" for paragraph in paragraphs if paragraph)


def _lines(paragraph: str) -> str:
    return "<br />".join(_words(line) for line in paragraph.split("\n"))


def _words(line: str) -> str:
    done, pieces = 0, []
    for link in LINK.finditer(line):
        pieces += [_mentions(line[done : link.start()]), _link(link[0])]
        done = link.end()
    return "".join([*pieces, _mentions(line[done:])])


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


def _mentions(words: str) -> str:
    done, pieces = 0, []
    for mention in MENTION.finditer(words):
        host = (mention[2] or "").lstrip("@")
        pieces.append(escape(words[done : mention.start()], quote=False))
        if host and "." in host:
            url = escape(f"https://{urlsplit('//' + host).hostname}/@{mention[1]}")
            pieces.append(
                f'<span class="h-card" translate="no"><a href="{url}" class="u-url mention">'
                f"@<span>{escape(mention[1])}</span></a></span>"
            )
        else:
            pieces.append(escape(mention[0], quote=False))
        done = mention.end()
    return "".join([*pieces, escape(words[done:], quote=False)])
