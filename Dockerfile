# Respondeo for production. The first stage installs, the second runs: without compiler or caches, as
# a user who may write nowhere. A pip is there, the base image's; nothing can be installed by it.
# docs/installation.md and compose.yaml use it.

FROM python:3.13-slim-bookworm AS builder
WORKDIR /app
RUN python -m venv venv
COPY scripts/lock/app.txt scripts/lock/app.txt
RUN venv/bin/python -m pip install --disable-pip-version-check --no-cache-dir --no-deps \
      --only-binary :all: --require-hashes --requirement scripts/lock/app.txt \
    && venv/bin/python -m pip uninstall --quiet --yes pip
COPY wsgi.py gunicorn.conf.py ./
COPY migrations migrations
COPY templates templates
COPY static static
COPY respondeo respondeo
RUN venv/bin/python -m compileall -q respondeo migrations venv/lib \
    && venv/bin/python -m respondeo.precompress

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin respondeo
WORKDIR /app
COPY --from=builder /app /app
ENV PATH=/app/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FLASK_APP=wsgi \
    PORT=8000
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import http.client as web, os; asked = web.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=2); asked.request('GET', '/healthz'); raise SystemExit(asked.getresponse().status != 200)"]
CMD ["flask", "serve"]
