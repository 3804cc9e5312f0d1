"""The application, for a WSGI server (`gunicorn wsgi:app`) and for `flask --app wsgi`."""

from respondeo.entry import application

app = application()
