# Everything that one does with Respondeo. `make` alone explains it.
# The settings come from the environment (docs/configuration.md): PORT=8001 make demo

VENV ?= .venv
py := $(VENV)/bin/python
flask := $(py) -m flask --app wsgi

.PHONY: help demo run serve test lint format migrations bench clean clean-data venv-demo venv-dev

help: ## Explain these commands
	@echo "Respondeo: timed quizzes, hosted by you."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "New here? Type: make demo"

demo: export APP_ENV = demo
demo: venv-demo ## Try it: 12 quizzes, 300 players, three demo people to sign in as
	@exec $(flask) serve --demo

venv-demo:
	@scripts/venv "$(VENV)" demo

venv-dev:
	@scripts/venv "$(VENV)" dev
