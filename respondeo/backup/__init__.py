"""Backups: made with PostgreSQL's own programs, and restored whole or not at all."""

from respondeo.backup.making import back_up
from respondeo.backup.restoring import Restoring
from respondeo.backup.words import BackupError

__all__ = ["BackupError", "Restoring", "back_up"]
