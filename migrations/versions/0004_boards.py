"""Boards: vacuumed after few changes, so that ranks are counted in their indexes alone.

Revision: 0004, after 0003.

A row whose page has changed since the last vacuum is looked up in the table. As PostgreSQL is
set, it vacuums when a fifth of a table has changed; a hundredth makes a rank five times as slow.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What a downgrade takes away for good.
loses = None

# Neither waits for players nor makes them wait.
UPGRADE = """
ALTER TABLE quiz_standing SET (
    autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.002,
    autovacuum_vacuum_insert_threshold = 500, autovacuum_vacuum_insert_scale_factor = 0.002);
ALTER TABLE player_standing SET (
    autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 100, autovacuum_vacuum_insert_scale_factor = 0);
"""

DOWNGRADE = """
ALTER TABLE quiz_standing RESET (
    autovacuum_vacuum_threshold, autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_insert_threshold, autovacuum_vacuum_insert_scale_factor);
ALTER TABLE player_standing RESET (
    autovacuum_vacuum_threshold, autovacuum_vacuum_scale_factor,
    autovacuum_vacuum_insert_threshold, autovacuum_vacuum_insert_scale_factor);
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute(DOWNGRADE)
