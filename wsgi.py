"""The application, for a WSGI server (`gunicorn wsgi:app`) and for `flask --app wsgi`."""

from respondeo import create_app

app = create_app()
