"""For `gunicorn wsgi:app`: the settings that `flask serve` has. Run `flask db upgrade` before."""

from pathlib import Path

from respondeo.config import Settings
from respondeo.serving import gunicorn_settings, share_metrics

share_metrics()
globals().update(gunicorn_settings(Settings.load(Path(__file__).parent / "instance")))
