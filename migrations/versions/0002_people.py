"""People: the name and picture that others see, where a session came from.

Revision: 0002, after 0001.

Everybody who is there keeps the name that boards showed: the display name where they had one.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What a downgrade takes away for good.
loses = (
    "Which name people chose to be shown under, pictures from identity providers, and through which"
    " provider each session began. Nobody is signed out; who hides stays hidden."
)


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE "user"
            ADD COLUMN shown_as text NOT NULL DEFAULT 'name',
            ADD COLUMN provider_image text,
            ADD CONSTRAINT ck_user_shown_as
                CHECK (shown_as IN ('name', 'display_name', 'hidden')),
            ADD CONSTRAINT ck_user_shown_as_something
                CHECK (shown_as <> 'display_name' OR display_name IS NOT NULL);
        UPDATE "user" SET shown_as = 'display_name' WHERE display_name IS NOT NULL;
        ALTER TABLE session
            ADD COLUMN provider_id text,
            ADD COLUMN id_token text;
        """
    )


def downgrade() -> None:
    """Who hides keeps hiding, under a display name: the older program knows no other way."""
    op.execute(
        """
        UPDATE "user" SET display_name = NULL WHERE shown_as = 'name';
        UPDATE "user" SET display_name = 'Player', image = NULL WHERE shown_as = 'hidden';
        ALTER TABLE "user"
            DROP CONSTRAINT ck_user_shown_as,
            DROP CONSTRAINT ck_user_shown_as_something,
            DROP COLUMN shown_as,
            DROP COLUMN provider_image;
        ALTER TABLE session
            DROP COLUMN provider_id,
            DROP COLUMN id_token;
        """
    )
