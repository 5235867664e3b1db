"""The parser that counts Tweets as X does, imported without setuptools.

twitter-text-parser reads its table of emoji through ``pkg_resources``, which setuptools no longer
has. The one function that it wants of it is given by the standard library, for the import alone.
"""

import sys
from importlib.resources import files
from types import ModuleType
from typing import Any

NAME = "pkg_resources"


def _resource_string(module: str, name: str) -> bytes:
    """The bytes of a file beside ``module``."""
    return files(module.rpartition(".")[0]).joinpath(name).read_bytes()


def _import_parser() -> Any:
    stand_in = ModuleType(NAME)
    vars(stand_in)["resource_string"] = _resource_string
    kept = sys.modules.get(NAME)
    sys.modules[NAME] = stand_in
    try:
        import twitter_text
    finally:
        del sys.modules[NAME]
        if kept is not None:
            sys.modules[NAME] = kept
    return twitter_text


_parser = _import_parser()
extract_urls_with_indices = _parser.extract_urls_with_indices
parse_tweet = _parser.parse_tweet
