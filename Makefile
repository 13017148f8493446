# The words of a day: run, test, check. Everything lives in .venv; nothing outside this folder is touched.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
RUN    := $(BIN)/twistd -n --pidfile= xmppd
SOURCES := xmppd tests benchmarks twisted conftest.py
SIDE_BY_SIDE := -n auto --dist worksteal

MINIMUM := 3.11
# An environment of another Python is made anew
CLEAR   = $(shell test ! -e $(BIN)/python || $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || echo --clear)
# For `make install`, as root: the program, its configuration, its data, and a folder in front of all of them for packagers
PREFIX  ?= /opt/xmppd
ETC     ?= /etc/xmppd
DATA    ?= /var/lib/xmppd
UNITS   ?= /etc/systemd/system
DESTDIR ?=

# systemd before 253 does not know Type=notify-reload
SYSTEMD ?= $(shell systemctl --version 2>/dev/null | sed -n 's/^systemd \([0-9]*\).*/\1/p')
OLD_SYSTEMD = $(filter-out $(shell seq 253 999),$(SYSTEMD))
AS_OF_OLD := s|^Type=notify-reload|Type=notify\nExecReload=/bin/kill -HUP $$MAINPID|

.PHONY: install install-files python run test static check lock changes format trial docs benchmark clean

run: $(VENV)/.installed
	-@$(BIN)/xmppctl $(if $(CONFIG),--config $(CONFIG)) web install --if-missing
	$(RUN) $(if $(CONFIG),--config $(CONFIG))

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

static: $(VENV)/.installed-dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy

check: static
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

# The newest of each library that there is now, with the hashes of its files: what `make install` takes
lock: $(VENV)/.installed-dev
	$(BIN)/python -m piptools compile --quiet --generate-hashes --strip-extras --no-annotate --no-header --upgrade \
		--no-emit-find-links --no-emit-index-url --no-emit-trusted-host --extra metrics --extra web --extra ldap --extra oauth --extra images --output-file requirements/locked.txt setup.cfg

trial: $(VENV)/.installed-test
	$(BIN)/python -m twisted.trial tests

format: $(VENV)/.installed-dev
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

# The fragments become a section of CHANGES.rst, and go
changes: $(VENV)/.installed-dev
	$(BIN)/python -m towncrier build --version $(or $(VERSION),$(error which? make changes VERSION=X.Y))

docs: $(VENV)/.installed-dev
	$(BIN)/python -m sphinx -q -W -E -b html docs docs/_build
	$(BIN)/python -m sphinx -q -W -E -b man docs docs/_build/man

benchmark: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks $(ARGS)

# A virtual environment and a user of its own: what etc/xmppd.service starts. An existing configuration stays as it is.
# With DESTDIR, for a package: no user is made, nothing is given to one, and the program names where it will be.
install: python install-files
	$(PYTHON) -m venv $(DESTDIR)$(PREFIX)
	$(DESTDIR)$(PREFIX)/bin/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --requirement requirements/locked.txt
	$(DESTDIR)$(PREFIX)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps .
	ln -sf $(PREFIX)/bin/xmppctl $(DESTDIR)/usr/local/bin/xmppctl
	install -d -m 700 $(DESTDIR)$(DATA)
ifeq ($(DESTDIR),)
	getent passwd xmppd >/dev/null || useradd --system --home-dir $(DATA) --shell /usr/sbin/nologin xmppd
	chown xmppd:xmppd $(DATA)
	chgrp xmppd $(ETC)/xmppd.toml
	@echo 'Now edit $(ETC)/xmppd.toml, then: systemctl daemon-reload && systemctl enable --now xmppd'
else
	find $(DESTDIR)$(PREFIX)/bin -type f -exec sed -i 's|$(DESTDIR)$(PREFIX)|$(PREFIX)|g' {} +
	@echo 'The package makes the user xmppd, and gives it $(DATA) (mode 700) and $(ETC)/xmppd.toml (its group, mode 640)'
endif

install-files:
	install -d $(DESTDIR)$(ETC) $(DESTDIR)$(UNITS) $(DESTDIR)/usr/local/bin
	test -e $(DESTDIR)$(ETC)/xmppd.toml || (umask 027 && \
		sed 's|^#data_dir = .*|data_dir = "$(DATA)"|' etc/xmppd.toml > $(DESTDIR)$(ETC)/xmppd.toml)
	sed 's|/opt/xmppd/bin|$(PREFIX)/bin|; s|/etc/xmppd/|$(ETC)/|$(if $(OLD_SYSTEMD),; $(AS_OF_OLD))' \
		etc/xmppd.service > $(DESTDIR)$(UNITS)/xmppd.service

# Before anything is made: an environment of a Python that is too old would stay, and stay broken with the right one
python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"xmppd needs Python $(MINIMUM) or newer, and $(PYTHON) is %d.%d: make PYTHON=python$(MINIMUM) ..." % sys.version_info[:2])'

clean:
	rm -rf $(VENV) build dist *.egg-info docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis _trial_temp*

$(VENV)/.installed: setup.cfg pyproject.toml | python
	$(PYTHON) -m venv $(CLEAR) $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[web]'
	@touch $@

$(VENV)/.installed-test: setup.cfg pyproject.toml | python
	$(PYTHON) -m venv $(CLEAR) $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-dev: setup.cfg pyproject.toml | python
	$(PYTHON) -m venv $(CLEAR) $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed $(VENV)/.installed-test
