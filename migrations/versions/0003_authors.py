"""Authors: what a question's picture shows, in words.

Revision: 0003, after 0002.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# What a downgrade takes away for good.
loses = "What the pictures of questions show, in words."


def upgrade() -> None:
    op.execute("ALTER TABLE question ADD COLUMN image_alt text")


def downgrade() -> None:
    """The words about pictures go, from drafts too: the older program knows no such field."""
    op.execute(
        """
        UPDATE quiz_draft SET document = jsonb_set(document, '{questions}', (
            SELECT coalesce(jsonb_agg(question - 'imageAlt' ORDER BY place), '[]')
            FROM jsonb_array_elements(document -> 'questions')
                WITH ORDINALITY asked(question, place)
        ))
        WHERE document @? '$.questions[*].imageAlt';
        ALTER TABLE question DROP COLUMN image_alt;
        """
    )
