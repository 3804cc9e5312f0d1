"""Every migration goes up and down, on an empty database and on one with a played quiz."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy.orm import Session

from respondeo import create_app
from respondeo.db import Base, db
from respondeo.domain.document import Language
from respondeo.models import PlayerStanding, Quiz, QuizDraft, User
from respondeo.revisions import scripts
from respondeo.services import authoring
from tests.conftest import run_on_server, settings_for, url_of
from tests.factories import add_user, document, editor, guest, player, published_quiz, question
from tests.services.plays import play, start

# Everything of ours that a database can hold: relations, functions, types, triggers, constraints.
OBJECTS = """
    SELECT 'relation', relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'function', proname::text FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'type', typname::text FROM pg_type
        WHERE typnamespace = 'public'::regnamespace AND typtype <> 'c' AND typcategory <> 'A'
    UNION ALL SELECT 'trigger', tgname::text FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'constraint', conname::text FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'schema', nspname::text FROM pg_namespace
        WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('public', 'information_schema')
    UNION ALL SELECT 'extension', extname::text FROM pg_extension WHERE extname <> 'plpgsql'
"""
ALEMBICS = {
    ("relation", "alembic_version"),
    ("relation", "alembic_version_pkc"),
    ("constraint", "alembic_version_pkc"),
    ("constraint", "alembic_version_version_num_not_null"),
}


@pytest.fixture
def empty(worker_id: str) -> Iterator[Flask]:
    """An application on a database without any table."""
    name = f"respondeo_migrations_{worker_id}"
    run_on_server(f"CREATE DATABASE {name}")
    app = create_app(settings_for(url_of(name, turned=False)))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    run_on_server(f"DROP DATABASE {name} WITH (FORCE)")


def objects() -> set[tuple[str, str]]:
    with db.engine.connect() as connection:
        return {(row[0], row[1]) for row in connection.execute(sa.text(OBJECTS))}


def revisions() -> list[str]:
    """All revisions, the first one first."""
    assert len(scripts().get_heads()) == 1
    return [script.revision for script in scripts().walk_revisions()][::-1]


def play_a_little(session: Session) -> None:
    quiz = published_quiz(session, questions=2, time_limit_seconds=60)
    play(session, player(add_user(session)), quiz)
    start(session, player(add_user(session)), quiz)
    start(session, guest(), quiz)
    session.commit()


def test_all_the_way_up_and_down_leaves_nothing_behind(empty: Flask) -> None:
    assert objects() == set()
    upgrade()
    assert {name for kind, name in objects() if kind == "relation"} >= set(Base.metadata.tables)
    downgrade(revision="base")
    assert objects() <= ALEMBICS


def test_each_step_goes_down_and_up_again_with_what_people_played(empty: Flask) -> None:
    upgrade()
    full = objects()
    play_a_little(db.session())
    db.session.remove()
    for revision in revisions()[::-1]:
        upgrade(revision=revision)
        downgrade(revision="-1")
    assert objects() <= ALEMBICS
    for revision in revisions():
        upgrade(revision=revision)
    assert objects() == full
    with db.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            rows = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
            assert rows == (table.name == "catalogue")  # it has its one row from the first
    play_a_little(db.session())
    assert len(db.session.scalars(sa.select(PlayerStanding)).all()) == 1


# What a step down changes where it can be kept, and why, stands in the migration.
CHANGED_ON_THE_WAY_DOWN = {
    "0002": {("user", "display_name"), ("user", "image")},
    "0003": {("quiz_draft", "document")},
}


def contents() -> dict[tuple[str, str], list[str]]:
    """Every column of every table that has rows, in their order."""
    inspector = sa.inspect(db.engine)
    found: dict[tuple[str, str], list[str]] = {}
    with db.engine.connect() as connection:
        for table in set(inspector.get_table_names()) - {"alembic_version"}:
            keys = inspector.get_pk_constraint(table)["constrained_columns"]
            rows = connection.execute(
                sa.select(sa.text("*")).select_from(sa.table(table)).order_by(*map(sa.column, keys))
            )
            columns = zip(*rows.all(), strict=True)
            found |= {
                (table, name): [repr(value) for value in values]
                for name, values in zip(rows.keys(), columns, strict=False)
            }
    return found


def test_each_step_down_keeps_what_the_step_below_can_hold(empty: Flask) -> None:
    upgrade()
    play_a_little(db.session())
    db.session.remove()
    after = contents()
    for revision in revisions()[:0:-1]:  # the first has nothing below it
        before = after
        downgrade(revision="-1")
        after = contents()
        kept = set(after) - CHANGED_ON_THE_WAY_DOWN.get(revision, set())
        assert len(kept) > 50
        assert {place: before[place] for place in kept} == {place: after[place] for place in kept}
    upgrade()
    again = contents()
    assert {place: again[place] for place in after} == after


def test_quizzes_say_what_their_current_versions_say_whoever_publishes(empty: Flask) -> None:
    upgrade()
    session = db.session()
    for language in (Language.EN, Language.FR):
        published_quiz(session, language=language)
    session.add(Quiz())
    session.commit()
    db.session.remove()
    told = sa.text("""
        SELECT quiz.language IS NOT DISTINCT FROM version.language
            AND quiz.difficulty IS NOT DISTINCT FROM version.difficulty
        FROM quiz LEFT JOIN quiz_version version ON version.id = current_version_id
    """)
    downgrade(revision="0004")
    upgrade()
    with db.engine.begin() as connection:
        assert connection.scalars(told).all() == [True, True, True]
        connection.execute(sa.text("UPDATE quiz SET language = 'de'"))
        assert connection.scalars(told).all() == [True, True, True]
        connection.execute(sa.text("UPDATE quiz SET current_version_id = NULL"))
        assert connection.scalars(told).all() == [True, True, True]


def test_tables_are_vacuumed_as_their_models_say(empty: Flask) -> None:
    upgrade()
    stored = sa.text("SELECT unnest(reloptions) FROM pg_class WHERE relname = :name")
    for table in Base.metadata.sorted_tables:
        told = table.dialect_options["postgresql"]["with"] or {}
        with db.engine.connect() as connection:
            options = set(connection.scalars(stored, {"name": table.name}))
        assert options == {f"{name}={value}" for name, value in told.items()}, table.name


def test_every_step_says_what_it_takes_away() -> None:
    for script in scripts().walk_revisions():
        loses = script.module.loses
        assert loses is None or (loses.endswith(".") and loses[0].isupper()), script.revision


def test_going_up_twice_is_going_up_once(empty: Flask) -> None:
    upgrade()
    play_a_little(db.session())
    db.session.remove()
    before = objects()
    upgrade()
    assert objects() == before
    assert len(db.session.scalars(sa.select(PlayerStanding)).all()) == 1


def test_who_hides_keeps_hiding_when_the_migration_of_names_goes_down(empty: Flask) -> None:
    upgrade()
    session = db.session()
    for shown_as, display_name in [("name", "Old"), ("display_name", "Ada"), ("hidden", "Old")]:
        person = add_user(session, "Ada Lovelace")
        person.shown_as, person.display_name = shown_as, display_name
        person.image = "/media/a.webp"
    session.commit()
    db.session.remove()
    downgrade(revision="0001")
    with db.engine.connect() as connection:
        shown = sa.text('SELECT coalesce(display_name, name), image FROM "user" ORDER BY id')
        assert [tuple(row) for row in connection.execute(shown)] == [
            ("Ada Lovelace", "/media/a.webp"), ("Ada", "/media/a.webp"), ("Player", None),
        ]  # fmt: skip
    upgrade()
    names = [person.public_name for person in db.session.scalars(sa.select(User).order_by(User.id))]
    assert names == ["Ada Lovelace", "Ada", "Player"]


def test_drafts_lose_the_words_about_pictures_when_the_migration_of_authors_goes_down(
    empty: Flask,
) -> None:
    upgrade()
    session = db.session()
    pictured = question(1, image_url="/media/a.webp", image_alt="A river.")
    quiz = published_quiz(
        session, document().model_copy(update={"questions": (pictured, question(2))})
    )
    quiz_id, before = quiz.id, session.get_one(QuizDraft, quiz.id).document
    session.commit()
    db.session.remove()
    downgrade(revision="0002")
    with db.engine.connect() as connection:
        (stored,) = connection.execute(sa.text("SELECT document FROM quiz_draft")).one()
    upgrade()
    first, second = before["questions"]
    del first["imageAlt"], second["imageAlt"]
    assert stored == before
    draft = authoring.editing(db.session(), editor(), quiz_id).draft
    assert [question.image_alt for question in draft.questions] == [None, None]
