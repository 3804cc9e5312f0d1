"""The commands of ours in `flask db`, beside Flask-Migrate's."""

from __future__ import annotations

from flask_migrate.cli import db as group


def init_database_cli() -> None:
    """Add them to the group."""
    from respondeo.cli.database.backup import backup_command
    from respondeo.cli.database.push import push_command
    from respondeo.cli.database.reset import reset_command
    from respondeo.cli.database.restore import restore_command
    from respondeo.cli.database.studio import studio_command

    for command in (backup_command, push_command, reset_command, restore_command, studio_command):
        group.add_command(command)
