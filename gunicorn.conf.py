"""For `gunicorn wsgi:app`: the settings that `flask serve` has. Run `flask db upgrade` before."""

from pathlib import Path

from respondeo.config import Settings, SettingsError
from respondeo.serving import gunicorn_settings, share_metrics

share_metrics()
try:
    loaded = Settings.load(Path(__file__).parent / "instance")
except SettingsError as wrong:
    wrong.show()
    raise SystemExit(wrong.exit_code) from None
globals().update(gunicorn_settings(loaded))
