"""Every table as Flask-Admin shows it: listed, searched, sorted, turned over by pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from flask import abort, url_for
from flask_admin.contrib.sqla import ModelView
from flask_admin.contrib.sqla.tools import iterdecode
from jinja2 import pass_context
from markupsafe import Markup
from sqlalchemy.orm import Session, registry
from wtforms import Form

from respondeo.db import Base, db
from respondeo.schema import VERSION_TABLE
from respondeo.studio.values import shown

# What could let its reader in somewhere; and the bytes of pictures, which would only fill the page.
HIDDEN = {"password_hash", "token_hash", "key_hash", "id_token", "guest_token", "data"}
COUNTED_EXACTLY = 100_000  # rows


class Version:
    """The migration that the schema is at."""


registry().map_imperatively(
    Version,
    sa.Table(VERSION_TABLE, sa.MetaData(), sa.Column("version_num", sa.Text, primary_key=True)),
)


def models() -> list[type[Any]]:
    """The classes of all tables, in the order of their names."""
    known = {table_of(mapper.class_).name: mapper.class_ for mapper in Base.registry.mappers}
    return [found for _, found in sorted((known | {VERSION_TABLE: Version}).items())]


def table_of(model: type[Any]) -> sa.Table:
    return cast("sa.Table", sa.inspect(model).local_table)


@dataclass(frozen=True)
class Counted:
    """A table, what it is for, and about how many rows it has."""

    name: str
    purpose: str
    rows: int
    is_exact: bool


def counts(session: Session) -> list[Counted]:
    """All tables. Those that are long are estimated, as counting them would take as long."""
    found = sa.text("SELECT reltuples FROM pg_class WHERE oid = to_regclass(quote_ident(:name))")
    counted = []
    for model in models():
        name, purpose = table_of(model).name, (model.__doc__ or "").splitlines()[0]
        rows = int(session.scalar(found, {"name": name}) or 0)
        if is_exact := rows < COUNTED_EXACTLY:
            rows = session.scalar(sa.select(sa.func.count()).select_from(table_of(model))) or 0
        counted.append(Counted(name, purpose, rows, is_exact))
    return counted


class TableView(ModelView):  # type: ignore[misc]  # Flask-Admin tells mypy nothing
    """One table, by the names that its columns have in PostgreSQL."""

    can_create = can_edit = can_delete = can_export = False
    can_view_details = can_set_page_size = True
    page_size, page_size_options = 50, (20, 50, 200)
    list_template, details_template = "studio/table.html", "studio/row.html"

    def __init__(self, model: type[Any]) -> None:
        table = table_of(model)
        keys = {column.name: attribute.key for attribute, column in _columns(model)}
        shown_keys = [key for name, key in keys.items() if name not in HIDDEN]
        self.hidden = sorted(set(keys) & HIDDEN)
        self.table = table
        self.column_list = self.column_details_list = shown_keys
        self.column_sortable_list = self.column_searchable_list = shown_keys
        self.column_labels = {key: name for name, key in keys.items()}
        # The newest first: keys are in order of time.
        self.column_default_order = [(keys[c.name], True) for c in table.primary_key.columns]
        self._leads_to = {
            keys[column.name]: target
            for column in table.columns
            if (target := _referred(column)) is not None
        }
        super().__init__(
            model, db, name=table.name, endpoint=f"table_{table.name}", url=f"/{table.name}"
        )

    def scaffold_form(self) -> type[Form]:
        """No form: nothing is ever typed into a row."""
        return Form

    def get_one(self, id: str) -> object:  # noqa: A002 - the name that Flask-Admin has
        """The row with this key. Anything else is not found."""
        types = [column.type.python_type for column in self.table.primary_key.columns]
        try:
            key = tuple(kind(part) for kind, part in zip(types, iterdecode(id), strict=True))
        except ValueError:
            abort(404)
        return db.session.get(self.model, key) or abort(404)

    @pass_context
    def get_list_value(self, _: object, model: object, name: str) -> Markup:
        return self._shown(model, name, short=True)

    @pass_context
    def get_detail_value(self, _: object, model: object, name: str) -> Markup:
        return self._shown(model, name, short=False)

    def _shown(self, row: object, key: str, *, short: bool) -> Markup:
        value = getattr(row, key)
        text = shown(value, short=short)
        if value is None or key not in self._leads_to:
            return text
        there = url_for(f"table_{self._leads_to[key]}.details_view", id=value)
        return Markup('<a class="link" href="{}">{}</a>').format(there, text)


def _columns(model: type[Any]) -> list[tuple[Any, sa.Column[Any]]]:
    return [(found, found.columns[0]) for found in sa.inspect(model).column_attrs]


def _referred(column: sa.Column[Any]) -> str | None:
    """The table whose one key this column holds."""
    for key in column.foreign_keys:
        table = key.column.table
        if [found.name for found in table.primary_key.columns] == [key.column.name]:
            return str(table.name)
    return None
