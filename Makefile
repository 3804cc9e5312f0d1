# Everything that one does with Respondeo. `make` alone explains it.

VENV ?= .venv
py = $(VENV)/bin/python
flask = $(py) -m flask --app wsgi

# What plays, and what programs do: once more, through PgBouncer in transaction mode. Not what sends
# anything that comes to mind: it would take minutes, and sends the same statements.
pooled = tests/api tests/races $(addprefix tests/services/test_,answering.py completing.py \
	guests.py parallel.py revealing.py starting.py) $(addprefix tests/web/test_,guest_limits.py guests.py playing_with_htmx.py \
	playing_without_javascript.py resuming.py results.py stale_tabs.py) \
	--deselect tests/api/test_fuzzing.py

.PHONY: help demo run serve test test-system lint format migrations bench bench-scale clean clean-data \
	venv-app venv-demo venv-dev venv-bench

help: ## Explain these commands
	@echo "Respondeo: timed quizzes, hosted by you. New here? Type: make demo"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "All of them read the same settings from the environment: PORT=8001 make demo"
	@echo "docs/configuration.md lists the settings."

demo: venv-demo ## Try it: quizzes, 300 players, and three people to sign in as
	@exec env APP_ENV=demo $(flask) serve --demo

run: venv-dev ## Develop on the demo: the server restarts when a file changes
	@exec env APP_ENV="$${APP_ENV:-demo}" FLASK_DEBUG=1 $(flask) serve --demo --reload

serve: venv-app ## Serve as in production (needs SECRET_KEY, APP_URL and DATABASE_URL)
	@exec env APP_ENV="$${APP_ENV:-production}" $(flask) serve

test: venv-dev ## Run the tests; some of them: make test ARGS="-k resume"
	@CHROMIUM=$$(VENV="$(VENV)" scripts/chromium) && export CHROMIUM && \
	exec $(py) -m pytest -n auto --dist loadgroup $(ARGS)

test-system: venv-dev ## Run the tests with servers of the system's; it installs them by apt
	@scripts/system-packages
	@$(py) -m pytest -n auto --dist loadfile tests/system $(ARGS)
	@RESPONDEO_TEST_POOLED=1 exec $(py) -m pytest -n auto --dist loadgroup $(pooled) $(ARGS)

lint: venv-dev ## Check style, types, templates and the direction of imports
	@VENV="$(VENV)" scripts/lint

format: venv-dev ## Put code and templates into the common style
	@$(py) -m ruff check --fix-only --quiet .
	@$(py) -m ruff format --quiet .
	@$(py) -m djlint templates --reformat --quiet; true

migrations: venv-dev ## Check that migrations have one head and agree with the models
	@$(py) scripts/with-database sh scripts/migrations "$(py)"

bench: $(if $(K6),venv-dev,venv-bench) ## Measure, next to a bare Flask application (90 s: ARGS=--quick)
	@exec $(py) -m bench $(ARGS)

bench-scale: venv-dev ## Measure with up to ten million attempts (16 GB of disk, 15 minutes)
	@exec $(py) -m bench.scaling $(ARGS)

clean: ## Remove the virtual environment and caches; the data in instance/ stays
	rm -rf "$(VENV)" .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .cache build
	find respondeo tests migrations bench -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null; true
	find static \( -name '*.br' -o -name '*.gz' \) -delete 2>/dev/null; true

clean-data: ## Remove all data of demo and development for good (instance/)
	@scripts/clean-data

venv-app venv-demo venv-dev venv-bench:
	@scripts/venv "$(VENV)" $(@:venv-%=%)
