"""Catalogue: a quiz's language and difficulty beside its date, to be counted in one index.

Revision: 0005, after 0004.

They are its current version's, and a trigger keeps them so, whichever program publishes.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What a downgrade takes away for good.
loses = None

UPGRADE = """
ALTER TABLE quiz ADD COLUMN language text, ADD COLUMN difficulty text;

CREATE FUNCTION tell_of_current_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.language := NULL;
    NEW.difficulty := NULL;
    SELECT language, difficulty INTO NEW.language, NEW.difficulty
    FROM quiz_version WHERE id = NEW.current_version_id;
    RETURN NEW;
END
$$;

CREATE TRIGGER current_version BEFORE INSERT OR UPDATE OF current_version_id, language, difficulty
    ON quiz FOR EACH ROW EXECUTE FUNCTION tell_of_current_version();

UPDATE quiz SET current_version_id = current_version_id WHERE current_version_id IS NOT NULL;

DROP INDEX ix_quiz_published_at;
CREATE INDEX ix_quiz_published_at ON quiz (published_at) INCLUDE (id, language, difficulty);
"""

DOWNGRADE = """
DROP INDEX ix_quiz_published_at;
CREATE INDEX ix_quiz_published_at ON quiz (published_at);
DROP TRIGGER current_version ON quiz;
DROP FUNCTION tell_of_current_version;
ALTER TABLE quiz DROP COLUMN language, DROP COLUMN difficulty;
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute(DOWNGRADE)
