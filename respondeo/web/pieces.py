"""How templates become small and quick: their indentation is left out, and pieces are kept.

Pieces of pages that are rendered once: `{% kept key, key … %}…{% endkept %}` in a template.

The keys say all that the piece depends on, and none of it may ever change under the same keys: a
version's id, a board's state, a person's name as it was just read. A first key of None keeps
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from typing import Any

from jinja2 import Environment, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from markupsafe import Markup

from respondeo.kept import Kept

MOST = 16_000_000  # characters
_NAME = 500  # characters; what the keys of a piece take, roughly
_INDENTATION = re.compile(r"([%#]\})?\n[ \t]+")


class Unindented(Extension):
    """Leaves out how a template is indented, which is a third of some pages.

    Nothing is shown differently: to HTML, a line break is as good as a line break with blanks.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja names them
        """The template with its lines at the margin, as many as there were.

        Of a line after a tag one blank stays: Jinja takes the line break between them away.
        """
        return _INDENTATION.sub(lambda at: f"{at[1]}\n " if at[1] else "\n", source)


class Pieces(Extension):
    """Keeps rendered pieces, those used last."""

    tags = {"kept"}

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._kept: Kept[Markup] = Kept(MOST, size=lambda piece: len(piece) + _NAME)

    def parse(self, parser: Parser) -> nodes.Node:
        """The tag and what is between it and its end."""
        line = next(parser.stream).lineno
        # Pieces of two places in templates never share a name.
        place = nodes.Const((parser.name, parser.free_identifier().name))
        keys = parser.parse_tuple(with_condexpr=True)
        parts = keys.items if isinstance(keys, nodes.Tuple) else [keys]
        body = parser.parse_statements(("name:endkept",), drop_needle=True)
        key = nodes.Tuple([place, *parts], "load")
        call = self.call_method("piece", [key])
        return nodes.CallBlock(call, [], [], body).set_lineno(line)

    def piece(self, key: tuple[Hashable, ...], caller: Callable[[], Any]) -> Markup:
        """The piece of these keys, rendered if it is not kept."""
        keeps = key[1] is not None and not self.environment.auto_reload  # while one develops
        return self._kept.made(key if keeps else None, lambda: Markup(caller()))  # noqa: S704
