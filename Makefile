# Everything runs from a virtual environment in the checkout, set up when it is missing.
PYTHON ?= python3
BIN := .venv/bin
PHOTOGRAPHS ?= ../shared/data/london

.PHONY: demo test test-slow mutants lint site bench venv

demo: venv
	$(BIN)/palsynth doctor
	$(BIN)/palsynth sheet --subject 12 --side left --grade V --out demo/sheet.png

test: lint
	$(BIN)/python -m pytest

test-slow: venv
	$(BIN)/python -m pytest -m slow

# Which mistakes the tests would notice; about an hour, and it goes on where it was stopped.
mutants: venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[mutants]'
	$(BIN)/python benchmarks/mutants.py --out runs/mutants

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documentation as pages, in site/; a test builds them too.
site: venv
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# Figures on photographs need a folder of them (see docs/measurements.md).
bench: venv
	cd benchmarks && ../$(BIN)/python agreement.py
	cd benchmarks && ../$(BIN)/python audit.py
	cd benchmarks && ../$(BIN)/python utility.py
	cd benchmarks && ../$(BIN)/python scale.py
	cd benchmarks && ../$(BIN)/python cfcpalsy.py
	cd benchmarks && ../$(BIN)/python conditioning.py
	cd benchmarks && ../$(BIN)/python items.py
	cd benchmarks && ../$(BIN)/python landmarks.py $(if $(wildcard $(PHOTOGRAPHS)),--photographs ../$(PHOTOGRAPHS))
	cd benchmarks && ../$(BIN)/python loop.py
	cd benchmarks && ../$(BIN)/python encoders.py $(if $(wildcard $(PHOTOGRAPHS)),--photographs ../$(PHOTOGRAPHS))
	cd benchmarks && ../$(BIN)/python subjects.py $(if $(wildcard $(PHOTOGRAPHS)),--photographs ../$(PHOTOGRAPHS))
	$(if $(wildcard $(PHOTOGRAPHS)),cd benchmarks && ../$(BIN)/python photos.py ../$(PHOTOGRAPHS))
	$(if $(wildcard $(PHOTOGRAPHS)),cd benchmarks && ../$(BIN)/python capture.py ../$(PHOTOGRAPHS))
	$(if $(wildcard $(PHOTOGRAPHS)),cd benchmarks && ../$(BIN)/python sheets.py ../$(PHOTOGRAPHS))
	$(if $(wildcard $(PHOTOGRAPHS)),cd benchmarks && ../$(BIN)/python cfcpalsy_photos.py ../$(PHOTOGRAPHS))

venv: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch .venv/ready
