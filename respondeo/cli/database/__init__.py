"""`flask db …`: our commands, in Flask-Migrate's group beside its own."""

from __future__ import annotations

from flask_migrate.cli import db as group


def init_database_cli() -> None:
    """Put our commands into the group; one of the same name takes the place of theirs."""
    from respondeo.cli.database.backup import backup_command
    from respondeo.cli.database.doctor import doctor_command
    from respondeo.cli.database.moving import downgrade_command, upgrade_command
    from respondeo.cli.database.push import push_command
    from respondeo.cli.database.reset import reset_command
    from respondeo.cli.database.restore import restore_command
    from respondeo.cli.database.studio import studio_command

    for command in (
        backup_command,
        doctor_command,
        downgrade_command,
        push_command,
        reset_command,
        restore_command,
        studio_command,
        upgrade_command,
    ):
        group.add_command(command)
