# SPDX-License-Identifier: BSD-3-Clause
#
# A thin front for CMake and ctest; `make help` lists the targets.
#
# Variables: SANITIZE=1 (AddressSanitizer and UBSan, in a build directory of its own), BUILD
# (directory), CMAKE_ARGS, CTEST_ARGS (e.g. CTEST_ARGS='-R link'), PREFIX and DESTDIR for install,
# SETUP=no to leave the machine's packages alone.

JOBS ?= $(shell nproc)
SETUP ?= yes
FUZZ_SECONDS ?= 60
RUNS ?= 20
ifeq ($(SANITIZE),1)
BUILD ?= build-sanitize
CMAKE_SANITIZE = -DTTB_SANITIZE=ON
else
BUILD ?= build
endif
GENERATOR := $(if $(shell command -v ninja 2>/dev/null),-G Ninja)
PREFIX_ARG = $(if $(PREFIX),-DCMAKE_INSTALL_PREFIX=$(PREFIX))

.PHONY: all help setup configure demo test test-kernels evidence bench fuzz format check-format install clean
.DEFAULT_GOAL := all

all: configure ## build everything; the program is build/ttb
	cmake --build $(BUILD) -j $(JOBS)

# The targets that promise to work on a bare machine install what is missing.
setup: ## install the Debian packages that are missing
	@if [ "$(SETUP)" != no ]; then tools/setup.sh; fi

configure:
	@command -v cmake > /dev/null || { echo "cmake is missing: 'make setup' installs it" >&2; exit 2; }
	@cmake -S . -B $(BUILD) $(if $(wildcard $(BUILD)/CMakeCache.txt),,$(GENERATOR)) \
	    $(CMAKE_SANITIZE) $(PREFIX_ARG) $(CMAKE_ARGS) > $(BUILD).log 2>&1 \
	    || { cat $(BUILD).log; rm -f $(BUILD).log; exit 1; }; rm -f $(BUILD).log

# Builds what it runs only: a look at the thing should not wait for its tests to compile.
demo: setup ## two Linux nodes and an ns-3 host on one simulated clock
	@$(MAKE) --no-print-directory configure
	@cmake --build $(BUILD) -j $(JOBS) --target ttb two_nodes
	@tools/with-nodes.sh $(BUILD) examples/two-nodes/run.sh $(BUILD)

test: ## every test; builds kernel and image first
	@if [ "$(SETUP)" != no ]; then tools/setup.sh --for test; fi
	@$(MAKE) --no-print-directory all
	@tools/with-nodes.sh $(BUILD) tools/test.sh $(BUILD) -j $(JOBS) $(CTEST_ARGS)

test-kernels: setup ## tests of kernels: all versions, with and without patches; an hour at first
	@$(MAKE) --no-print-directory all
	@tools/with-nodes.sh $(BUILD) tools/test-kernels.sh $(BUILD) $(CTEST_ARGS)

evidence: all ## every example 20 times alone and 20 times on a busy host: one digest each; RUNS=N
	@tools/with-nodes.sh $(BUILD) tools/evidence.sh --runs $(RUNS) --ttb $(BUILD)/ttb

bench: all ## benchmarks, one table; BASE=REVISION: against another revision, by turns; BENCHES='ping bulk'
	@cmake --build $(BUILD) -j $(JOBS) --target benches > /dev/null
	@tools/with-nodes.sh $(BUILD) tools/bench.sh $(if $(BASE),--base $(BASE)) $(BUILD) $(BENCHES)

fuzz: ## every fuzzer for FUZZ_SECONDS (60); needs clang, which it installs
	@if [ "$(SETUP)" != no ]; then tools/setup.sh --for fuzz; fi
	@cmake -S . -B build-fuzz $(if $(wildcard build-fuzz/CMakeCache.txt),,$(GENERATOR)) \
	    -DCMAKE_C_COMPILER=clang -DTTB_FUZZ=ON -DTTB_SANITIZE=ON -DTTB_NS3=OFF -DTTB_TESTS=OFF \
	    > /dev/null
	@cmake --build build-fuzz -j $(JOBS) --target fuzzers
	@tools/fuzz.sh build-fuzz $(FUZZ_SECONDS)

format: ## run clang-format over the sources
	@tools/check-format.sh --fix

check-format: ## what clang-format would change
	@tools/check-format.sh

install: all ## into PREFIX (default /usr/local), below DESTDIR
	cmake --install $(BUILD)

clean: ## remove the build directories
	rm -rf build build-sanitize build-fuzz

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'
