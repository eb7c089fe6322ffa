# Thin front of meson and the test scripts.  `make help` lists the targets.
BUILD ?= build
.DEFAULT_GOAL := build

.PHONY: help deps build install uninstall check fuzz soak demo bench screens format clean
help:
	@echo 'make build   compile into $(BUILD)/'
	@echo 'make install (as root; DESTDIR=, PREFIX=/usr/local), make uninstall'
	@echo 'make demo    a campus in network namespaces plays one infection (ONCE=1: then exit)'
	@echo 'make check   every test; closes with "N passed, N failed, N skipped"'
	@echo 'make fuzz    each parser with hostile input for SECONDS (60) seconds, under sanitizers'
	@echo 'make soak    everything at once, from a seed: MINUTES (3) of moves, detections and faults'
	@echo 'make bench   speed and size, beside named peers'
	@echo 'make screens pictures of the console in docs/screens, with an infection going on in the lab'
	@echo 'make format  clang-format'

deps:
	@tools/install-deps

build: deps
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) >/dev/null
	@ninja -C $(BUILD) --quiet

install:
	@BUILD=$(BUILD) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) tools/install

uninstall:
	@BUILD=$(BUILD) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) tools/install --uninstall

check: build
	@tools/check

fuzz: deps
	@[ -f build-clang/build.ninja ] || CC=clang meson setup build-clang \
	    $$(cat tools/sanitizers) >/dev/null
	@ninja -C build-clang --quiet
	@tools/fuzz --seconds $(or $(SECONDS),60) $(ONLY)

soak: build
	@/usr/bin/python3 tests/soak/soak.py --minutes $(or $(MINUTES),3) $(if $(SEED),--seed $(SEED))

demo: build
	@lab/demo $(if $(ONCE),--once)

bench: build
	@bench/run

screens: build
	@/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/console/pictures.py

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf $(BUILD) build-*
