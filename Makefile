# make run | test | test-quick | lint | bench. Everything is set up on first use; CONTRIBUTING.md says more.
HOST ?= 127.0.0.1
PORT ?= 8000
PYTHON ?= python3
ARGS ?=
# Processes that share the whole suite; a part of it runs in one.
WORKERS ?= $(if $(ARGS),0,2)
PY := .venv/bin/python
# Checks need settings, not secrets and not a site's database.
CHECK_ENV := SECRET_KEY=only-for-checks-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789 DEBUG=off \
	DATABASE_URL=sqlite:///.venv/lint.sqlite3 FACESITE_LIVENESS= FACESITE_MODEL_PACK= REDIS_URL=
PRODUCTION_ENV := ALLOWED_HOSTS=faces.example.org CSRF_TRUSTED_ORIGINS=https://faces.example.org FACESITE_HTTPS=proxy

.PHONY: run setup setup-dev test test-quick lint audit format lock bench messages screenshots clean

run: setup
	@exec $(PY) manage.py serve --prepare --host "$(HOST)" --port "$(PORT)"

setup:
	@$(PYTHON) scripts/bootstrap.py

setup-dev:
	@$(PYTHON) scripts/bootstrap.py --dev

test: setup-dev
	$(PY) -m pytest -n $(WORKERS) $(ARGS)
	@scripts/test-js

test-quick: setup-dev
	$(PY) -m pytest -n 2 -q -m "not (browser or server or slow)" $(ARGS)

lint: setup-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	.venv/bin/lint-imports
	.venv/bin/djade --check --target-version 5.2 $$(git ls-files -co --exclude-standard 'templates/*.html')
	$(CHECK_ENV) $(PY) manage.py makemigrations --check --dry-run
	$(CHECK_ENV) $(PRODUCTION_ENV) $(PY) manage.py check --deploy --fail-level WARNING
	@scripts/check-js

# Asks pypi.org for advisories about what requirements.txt pins.
audit: setup-dev
	@$(PY) scripts/audit.py

format: setup-dev
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	.venv/bin/djade --target-version 5.2 $$(git ls-files -co --exclude-standard 'templates/*.html')

# Keeps the versions that are there; ARGS="--upgrade" or ARGS="--upgrade-package redis" asks for newer ones.
lock: setup-dev
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
		$(ARGS) requirements.in --output-file requirements.txt
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
		$(ARGS) -c requirements.txt requirements-milvus.in --output-file requirements-milvus.txt

bench: setup
	@$(PY) manage.py prepare
	$(PY) manage.py benchmark pipeline $(ARGS)
	$(PY) manage.py benchmark gallery $(ARGS)
	$(PY) manage.py benchmark live $(ARGS)

# Sentences that are marked in the sources come into locale/, and what is translated there into what the site reads.
# Needs Debian's gettext.
messages: setup-dev
	scripts/messages

screenshots: setup-dev
	$(PY) -m scripts.screenshots $(ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles
