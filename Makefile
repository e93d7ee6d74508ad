VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
RUN_ARGS ?= --slaves 10
PYTEST_WORKERS ?= 2

.PHONY: run test faults engine soak lint types check release-check bench clean

# What `make run` needs, then a training over ten slaves.
run: $(VENV)/run.stamp
	$(BIN)/fedredis run $(RUN_ARGS)

# What the tests need, then the tests, some at a time.
test: $(VENV)/test.stamp
	$(BIN)/python -m pytest --numprocesses $(PYTEST_WORKERS) --dist loadfile $(PYTEST_ARGS)

lint: $(VENV)/lint.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check

# mypy checks an installed copy: in the checkout, folders and packages have different names.
types: $(VENV)/lint.stamp
	rm -rf $(VENV)/types build
	$(BIN)/python -m pip install --quiet --no-deps --target $(VENV)/types .
	rm -rf build fedredis.egg-info
	cd $(VENV)/types && MYPYPATH=. ../bin/mypy --config-file ../../pyproject.toml -p fedredis

# Whole programs that are killed, cut off and attacked: a quarter of an hour.
faults: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m 'not soak and not engine' tests/e2e tests/faults tests/hosts tests/security tests/web

# Federations in containers, where a Docker engine with Compose answers: ten minutes.
engine: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m engine tests $(PYTEST_ARGS)

# Two thousand rounds: nothing may grow.
soak: $(VENV)/test.stamp
	$(BIN)/python -m pytest -m soak -s tests/soak

check: lint types test

# What would be published: built, looked at, and tried with every Python that is here.
release-check: $(VENV)/release.stamp
	.ci/release $(BIN)

bench: $(VENV)/test.stamp
	$(BIN)/python -m benchmarks.songs

$(VENV)/bin/python:
	@echo "making $(VENV)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: $(VENV)/bin/python pyproject.toml
	@echo "installing fedredis and what it needs into $(VENV): a minute, the first time"
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/test.stamp: $(VENV)/bin/python pyproject.toml
	@echo "installing what the tests need into $(VENV): a few minutes, the first time"
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

$(VENV)/lint.stamp: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[lint]'
	touch $@

$(VENV)/release.stamp: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[release]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
