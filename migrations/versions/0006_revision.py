"""Revision of the catalogue: what tells a worker that the quizzes it knows are those there are.

Revision: 0006, after 0005.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# What a downgrade takes away for good.
loses = None


def upgrade() -> None:
    """A random revision, not a number: a backup that is restored brings back the one that belongs
    to its quizzes. It is renewed last in a transaction, so that nobody waits for it in a circle.
    """
    op.execute(
        """
        CREATE TABLE catalogue (
            revision uuid DEFAULT gen_random_uuid() CONSTRAINT pk_catalogue PRIMARY KEY
        );
        CREATE UNIQUE INDEX uq_catalogue_one_row ON catalogue ((true));
        INSERT INTO catalogue DEFAULT VALUES;
        CREATE FUNCTION renew_catalogue() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                -- Once in a transaction.
                UPDATE catalogue SET revision = gen_random_uuid()
                WHERE xmin::text <> pg_current_xact_id()::xid::text;
                RETURN NULL;
            END
        $$;
        CREATE CONSTRAINT TRIGGER renew_catalogue AFTER INSERT OR UPDATE OR DELETE ON quiz
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_catalogue();
        CREATE TRIGGER renew_catalogue_emptied AFTER TRUNCATE ON quiz
            FOR EACH STATEMENT EXECUTE FUNCTION renew_catalogue();
        CREATE CONSTRAINT TRIGGER renew_catalogue AFTER UPDATE ON "user"
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
            WHEN (
                OLD.name IS DISTINCT FROM NEW.name
                OR OLD.display_name IS DISTINCT FROM NEW.display_name
                OR OLD.shown_as IS DISTINCT FROM NEW.shown_as
                OR OLD.image IS DISTINCT FROM NEW.image
            )
            EXECUTE FUNCTION renew_catalogue();
        """
    )


def downgrade() -> None:
    op.execute(
        """
        DROP TRIGGER renew_catalogue ON "user";
        DROP TRIGGER renew_catalogue_emptied ON quiz;
        DROP TRIGGER renew_catalogue ON quiz;
        DROP FUNCTION renew_catalogue();
        DROP TABLE catalogue;
        """
    )
