# Two commands matter: `make book` and `make test`. Each creates .venv from requirements.lock when it is missing or older.
# Who changes something also wants `make check`.
PYTHON ?= python3
PROFILE ?= default
UV_VERSION := 0.13.8
BIN := .venv/bin
CHECK := .venv/check/bin
BROWSER := .venv/browser/bin
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
# tqdm's warning that a notebook has no widgets, and TensorFlow's notices, of which one is that there is no GPU.
export PYTHONWARNINGS ?= ignore:IProgress not found
export TF_CPP_MIN_LOG_LEVEL ?= 3
# PyTorch without CUDA, which is a tenth of the size; where its own index cannot be reached: --find-links FOLDER.
TORCH_FROM ?= --torch-backend cpu
# `make book FER_BOOK_DATA=folder` hands the folder on to every command.
export FER_BOOK_DATA

.PHONY: book test coverage full check bench backends browser print links lab lock clean

book: .venv/ready
	$(BIN)/fer-book run --profile $(PROFILE); status=$$?; \
	[ $$status -eq 2 ] && exit 2; $(BIN)/fer-book build --profile $(PROFILE) && exit $$status

# On all cores, file by file.
test: .venv/ready
	$(PYTEST)

# The same tests, and which lines of the package no process ran; what a notebook's kernel runs does not count.
coverage: .venv/ready
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder; status=$$?; \
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report && exit $$status

# The profile `full` of every paper's chapter, for one epoch on small trees in the official layout; and the book under `ci`, killed
# twenty times.
full: .venv/ready
	$(PYTEST) tests/test_full_profile.py tests/test_kills.py --override-ini addopts=-q

# Format, style, spelling, types, order of the rooms, workflows, notebooks without outputs, no result typed into prose.
check: .venv/check/ready
	$(CHECK)/ruff format --quiet --check .
	$(CHECK)/ruff check --quiet .
	$(CHECK)/codespell
	$(CHECK)/nbstripout --verify --keep-id notebooks/*.ipynb
	$(CHECK)/actionlint -shellcheck= -pyflakes= .github/workflows/*.yml
	$(CHECK)/python tools/check_prose_numbers.py
	$(CHECK)/mypy --python-executable $(BIN)/python
	$(CHECK)/lint-imports --no-logo --cache-dir _build/import_linter

# Every benchmark, and one table of their ratios; for a machine that does nothing else.
bench: .venv/ready
	$(BIN)/python benchmarks

# The FER2013 chapter under `ci` with JAX and with PyTorch, in an environment and with a cache of its own each.
backends: .venv/jax/ready .venv/torch/ready
	rm -rf _build/backends
	for backend in jax torch; do \
	    KERAS_BACKEND=$$backend FER_BOOK_CACHE=$(CURDIR)/_build/backends/$$backend \
	        .venv/$$backend/bin/fer-book run fer2013_cnn --profile ci --force || exit 1; \
	done

# The built site in the system's Chromium or Chrome: every page, by axe too, and what a reader does.
browser: .venv/browser/ready
	$(BROWSER)/python -m pytest tests/browser

# The whole built book as one PDF.
print: .venv/browser/ready
	$(BIN)/jupyter-book build _build/site --path-output _build/print --builder singlehtml --quiet
	$(BROWSER)/python tools/print_book.py _build/print/_build/singlehtml _build/fer-book.pdf

# Whether the book's links to other sites still lead somewhere; needs the internet, and the book need not have been run.
links: .venv/ready
	$(BIN)/fer-book build --profile $(PROFILE)
	$(BIN)/jupyter-book build _build/site --path-output _build/links --builder linkcheck

# JUPYTER_PATH: the kernel of .venv, also where the user has a kernel of the same name. The folder above the notebooks is the
# root, so that their links to pages work.
lab: .venv/ready
	JUPYTER_PATH="$(CURDIR)/.venv/share/jupyter" $(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks

# Compiled at once: every notebook and many tests start a process, and each would compile TensorFlow where none may write.
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and f"Python 3.11 to 3.13 is needed, {sys.executable} is {sys.version.split()[0]}; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

# An environment of its own for a group of pyproject.toml's tools.
.venv/check/ready .venv/browser/ready: .venv/%/ready: .venv/ready
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv/$*
	$(BIN)/uv pip install --quiet --python .venv/$*/bin/python --group $*
	touch $@

# The book's packages as locked, and another backend of Keras beside TensorFlow.
.venv/torch/ready: FROM = $(TORCH_FROM)
.venv/jax/ready .venv/torch/ready: .venv/%/ready: .venv/ready
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv/$*
	$(BIN)/uv pip install --quiet --python .venv/$*/bin/python $(FROM) --requirements requirements.lock --group $* --editable .
	touch $@

# Pins every package for all supported versions of Python, and gives conda the same versions.
lock: .venv/ready
	$(BIN)/uv pip compile pyproject.toml --extra book --extra live --universal --python-version 3.11 --fork-strategy fewest \
	    --generate-hashes --no-header --quiet --output-file requirements.lock
	$(BIN)/python tools/lock_to_environment.py

clean:
	rm -rf _build .venv
