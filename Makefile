# SPDX-License-Identifier: Apache-2.0
# Shortcuts. The work is done by CMake (CMakePresets.json) and by scripts/.

.DEFAULT_GOAL := help
.PHONY: help demo demo-kubernetes test check check-rest build unit asan base e2e kube sim bench bench-agent bench-kubernetes bench-traffic fuzz mutants coverage lint protos format \
        images chart install clean

PRESET ?= dev
PREFIX ?= /usr/local

help:
	@echo "make demo      see it work: one module on three real bases, from online to offline"
	@echo "make demo-kubernetes     the same with kubectl, on a Kubernetes API server that is built the first time"
	@echo "make test      what a contributor needs to trust a change"
	@echo "make check     make test, and lint, protos, chart, ThreadSanitizer, clang, fuzz smoke, Kubernetes 1.24"
	@echo
	@echo "make build     compile everything into build/PRESET (PRESET=$(PRESET))"
	@echo "make unit      unit tests                     make asan    the same under ASan and UBSan"
	@echo "make base      conformance of simulator and real base"
	@echo "make sim       simulated worlds, from fixed seeds; SEEDS=100000 FROM=1: many, on all processors"
	@echo "make e2e       end-to-end tests               make bench   figures beside their limits"
	@echo "make lint      layout, clang-tidy, shell      make format  lay out the code"
	@echo "make protos    lint protos, find breaking changes"
	@echo "make bench-traffic              which requests fail while modules change, on real bases"
	@echo "make bench-agent   what an agent costs: memory, start, time it adds, questions a second, downloads"
	@echo "make bench-kubernetes           writes, time and memory on a real Kubernetes API server"
	@echo "make kube      tests on a real Kubernetes API server, built from its sources the first time"
	@echo "make chart     the Helm chart as build/koupleless-VERSION.tgz"
	@echo "make fuzz      fuzz each target for a minute (SECONDS_EACH=60)"
	@echo "make mutants   break the engines in a hundred ways: their unit tests have to notice each"
	@echo "make coverage  which branches of the engines their unit tests and the fixed seeds take: 95 % at least"
	@echo "make install   into PREFIX=$(PREFIX)          make clean   remove build/"

deps-%:
	@scripts/install-deps.sh --for $*

build: deps-build
	@cmake --preset $(PRESET) --log-level=WARNING
	@cmake --build --preset $(PRESET)

test: deps-build,test,demo
	@scripts/test.py --what test

check: deps-build,test,demo,lint
	@scripts/test.py --what check

# The part of check that test leaves out; its summary counts the last run of test too.
check-rest: deps-build,test,demo,lint
	@scripts/test.py --what rest --with-last test

unit asan: deps-build
	@scripts/test.py $@

base e2e: deps-build,test,demo
	@scripts/test.py $@

kube: deps-build,test
	@scripts/test.py $@

lint protos: deps-build,test,lint
	@scripts/test.py $@

fuzz: deps-build,lint
	@scripts/fuzz.sh $(or $(SECONDS_EACH),60)

mutants: deps-build,test
	@scripts/mutants.py

coverage: deps-build,coverage
	@scripts/coverage.py

demo: deps-build,demo
	@scripts/demo.sh

demo-kubernetes: deps-build,test,demo
	@scripts/demo-kubernetes.py

bench: deps-build,test
	@scripts/bench.sh

bench-traffic: deps-build,test,demo
	@scripts/bench.sh tests/bench/traffic.py

bench-agent: deps-build,test
	@scripts/bench.sh tests/bench/agent_bench.py

bench-kubernetes: deps-build,test
	@scripts/bench.sh tests/bench/kubernetes.py

format: deps-lint
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i --style=file

install: deps-build
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	@cmake --build --preset release
	@cmake --install build/release

clean:
	@rm -rf build

chart: deps-test
	@scripts/helm.sh package deploy/helm/koupleless --destination build

# Fixed seeds as a test, or, with SEEDS=COUNT, so many on all processors.
sim: deps-build,test
ifdef SEEDS
	@cmake --preset $(PRESET) --log-level=WARNING
	@cmake --build --preset $(PRESET) --target koupleless-sim
	@build/$(PRESET)/bin/koupleless-sim --seeds $(SEEDS) --from $(or $(FROM),1)
else
	@scripts/test.py sim
endif

images:
	@echo "make $@: not there yet; it comes with a later part of the project." >&2
	@exit 1
