# Everything is started here. CLUSTER=embedded (default), kind or current says which cluster; SX_CLUSTER_NAME names one
# of several embedded ones. PYTHON is the interpreter that the environment is made from.
CLUSTER ?= embedded
PYTHON ?= python3
# Tests side by side; arguments for pytest go into ARGS, for example ARGS="-k cancel -x".
JOBS ?= 4
ARGS ?=
# Of make chaos: what decides by chance, and for how many seconds things fail.
SEED ?= 1
DURATION ?= 120

# Of make bench: the part, or all of them.
PART ?=

# Of make histories: how many.
EXAMPLES ?= 300

# Of make demo: with FULL=1 its cluster also gets what builds of services need, as make up does.
FULL ?=

# How many nodes the embedded cluster gets; as many as it has when it is not said.
NODES ?=
ifneq ($(NODES),)
export SX_NODES := $(NODES)
endif

# Which Kubernetes it is made of, such as 1.31 or 1.31.14; the one that it has when it is not said, the pinned one first.
KUBERNETES ?=
ifneq ($(KUBERNETES),)
export SX_KUBERNETES := $(KUBERNETES)
endif

export CLUSTER
export PYTHONPATH := $(CURDIR)/operator:$(CURDIR)

RUN := .venv/bin/python -m
# The tests' environment; without a cluster they run too, and those that need one say so.
WITH_CLUSTER := eval "$$($(RUN) cluster env 2>/dev/null)" &&

.DEFAULT_GOAL := help
.PHONY: help environment up down status env load images sbom dist sx docs audit lock generate changelog lint test test-unit test-attacks test-processes test-launcher test-platform test-chart test-cluster test-e2e test-stores test-tooling test-nodes demo access-key benchmark-building benchmark-holding benchmark-listing benchmark-node benchmark-polling benchmark-requests benchmark-sweeping benchmark-staging bench floods weight chaos faults histories network-policies

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

environment: ## make the Python environment, .venv
	@$(PYTHON) cluster/environment.py

up: environment ## bring the cluster up and install the operator
	@$(RUN) cluster up

down: environment ## remove the cluster and all it left
	@$(RUN) cluster down

status: environment ## say what runs
	@$(RUN) cluster status

env: environment ## print export lines: eval "$(make -s env)"
	@$(RUN) cluster env

load: environment ## put an image archive into the cluster's node: make load ARCHIVE=image.tar
	@test -n "$(ARCHIVE)" || { echo 'error: say which archive: make load ARCHIVE=image.tar' >&2; exit 1; }
	@$(RUN) cluster load "$(ARCHIVE)"

images: environment ## build all images without a cluster
	@$(RUN) cluster images

sbom: environment ## write a CycloneDX SBOM of each image to dist/sbom
	@$(RUN) tools.sbom dist/sbom $(ARGS)

dist: environment ## write dist/release: images, chart, manifests, SBOMs and checksums, for an install without a network
	@$(RUN) tools.dist dist/release

sx: environment ## write the command line as one file, dist/sx; with RELEASES=URL its krew manifest as well
	@$(RUN) tools.sx_file dist $(RELEASES)

docs: environment ## build the documentation site, dist/site/html; a broken link fails
	@$(RUN) tools.site dist/site/pages
	@.venv/bin/uv venv --quiet --allow-existing dist/site/tools
	@.venv/bin/uv pip sync --quiet --require-hashes --python dist/site/tools/bin/python requirements-docs.lock
	@NO_MKDOCS_2_WARNING=1 dist/site/tools/bin/mkdocs build

# A package that the index says nothing of fails it, so that silence is not taken for health.
audit: environment ## look up known vulnerabilities of all locked packages (asks the package index)
	@status=0; for lock in requirements.lock requirements-dev.lock requirements-docs.lock requirements-uv.lock requirements-go.lock requirements-node.lock; do \
	  echo "$$lock"; .venv/bin/pip-audit --requirement "$$lock" --disable-pip --require-hashes --strict $(ARGS) || status=1; \
	done; exit $$status

lock: environment ## write the requirements locks from pyproject.toml
	@sh cluster/lock-requirements.sh $(ARGS)

generate: environment ## write all generated files: crds/, manifests/, the chart's tables
	@PATH="$$($(RUN) cluster programs):$$PATH" $(RUN) tools.generate $(ARGS)

changelog: environment ## show what the next release changes; with VERSION=0.2.0 write it into CHANGELOG.md
	@$(RUN) towncrier build $(if $(VERSION),--yes --version "$(VERSION)",--draft --version next)

lint: environment ## lint, format, types, import rules, stale files
	@$(RUN) cluster.checks

test-unit: environment ## tests that need no cluster
	@$(RUN) pytest -n 2 tests/unit $(ARGS)

test-attacks: environment ## each door that was open, tried: in process, and with a cluster on the real API server
	@$(WITH_CLUSTER) $(RUN) pytest -n 2 tests/attacks $(ARGS)

test-processes: environment ## the collector as a process, against a gateway on loopback
	@$(RUN) pytest -n 2 tests/processes $(ARGS)

test-launcher: environment ## Python projects as processes, with both libraries that call run()
	@$(RUN) pytest -n 2 tests/launcher $(ARGS)

test-platform: environment ## the platform's packages, unmodified, against its second API on loopback
	@$(RUN) pytest -n 2 tests/platform $(ARGS)

.PHONY: test-console
test-console: environment ## the console: its own tests, and its pages in a browser
	@$(RUN) pytest -n 2 tests/console $(ARGS)

test-chart: environment ## the chart: what it renders and refuses
	@PATH="$$($(RUN) cluster programs):$$PATH" $(RUN) pytest -n 2 tests/chart $(ARGS)

test-cluster: environment ## tests against a real API server, and of the embedded cluster itself
	@$(RUN) cluster up
	@$(WITH_CLUSTER) $(RUN) pytest tests/cluster tests/embedded $(ARGS)

test-e2e: environment ## executions on real pods, and the real clients of the Service API
	@$(RUN) cluster up
	@$(WITH_CLUSTER) $(RUN) pytest -n $(JOBS) --dist loadgroup tests/e2e tests/sdk $(ARGS)

# The suite of the store, once more, on servers that are built or installed at their first use.
test-stores: environment ## the store on S3, GCS and Azure servers, and faults of stores
	@SX_TEST_STORES="s3 gcs azure" $(RUN) pytest tests/unit/store tests/stores $(ARGS)

test-tooling: environment ## kstatus on our statuses, the OpenTelemetry Collector on our traces, signing in at Dex, all built at first, and promtool on our alerts, when it is in PATH
	@$(RUN) pytest tests/tooling $(ARGS)

test-nodes: environment ## nodes that fall silent, return and are drained, on a cluster of three nodes of its own
	@$(RUN) pytest tests/nodes $(ARGS)

# One run of pytest over everything, so that its last line counts all. When the cluster does not come up, the tests
# that need it fail, and the line is there all the same.
test: environment ## all of it: checks, unit, API server and end-to-end tests
	@status=0; $(RUN) cluster up || status=1; \
	PATH="$$($(RUN) cluster programs):$$PATH"; export PATH; $(WITH_CLUSTER) true; \
	$(RUN) pytest -n $(JOBS) --dist loadgroup --ignore tests/network_policies --ignore tests/nodes --ignore tests/stores --ignore tests/tooling tests $(ARGS) || status=1; exit $$status

access-key: environment ## print an access key of the Service API as JSON: make -s access-key NAMESPACE=default
	@test -n "$(NAMESPACE)" || { echo 'error: say for which namespace: make -s access-key NAMESPACE=default' >&2; exit 1; }
	@$(WITH_CLUSTER) $(RUN) serviceexecution.cli.main access-key create --namespace "$(NAMESPACE)" --output json

demo: environment ## from nothing to a kept result
	@$(RUN) cluster up $(if $(FULL),,--lean)
	@$(WITH_CLUSTER) $(RUN) demo

benchmark-building: environment ## builds in the cluster beside a plain uv pip install
	@$(RUN) cluster up
	@$(WITH_CLUSTER) $(RUN) benchmarks.building $(ARGS)

benchmark-holding: environment ## two thousand clients wait for an execution to change
	@$(RUN) cluster up
	@$(WITH_CLUSTER) $(RUN) benchmarks.holding $(ARGS)

benchmark-polling: environment ## a thousand clients poll one gateway for a minute
	@$(RUN) cluster up
	@$(WITH_CLUSTER) $(RUN) benchmarks.polling $(ARGS)

benchmark-requests: environment ## what a request of our Kubernetes client costs
	@$(RUN) cluster up
	@$(WITH_CLUSTER) $(RUN) benchmarks.client_requests $(ARGS)

benchmark-listing: environment ## lists of the platform's API over 100,000 executions, with a stand-in for the API server
	@$(RUN) benchmarks.listing $(ARGS)

benchmark-sweeping: environment ## what a pass of the sweep costs over 100,000 stored executions, on an S3 server
	@$(RUN) benchmarks.sweeping $(ARGS)

benchmark-staging: environment ## a data pool of 1 GiB brought into a folder, beside cp and sha256sum
	@$(RUN) benchmarks.staging $(ARGS)

# On a control plane of its own, so that the installed operator has no part in it.
bench: environment ## what an execution costs beside a plain Job: make bench PART=plain ARGS=--short
	@$(RUN) benchmarks.bench $(PART) $(ARGS)

benchmark-node: environment ## what an execution costs beside a plain Job on the embedded cluster, with real pods
	@$(RUN) cluster up
	@$(WITH_CLUSTER) $(RUN) benchmarks.bench node $(ARGS)

floods: environment ## attacks on each shared budget, beside a witness of another namespace
	@$(RUN) cluster up
	@$(WITH_CLUSTER) $(RUN) benchmarks.floods $(ARGS)

weight: environment ## many and heavy objects, and what controller, gateway and collector hold of them; ARGS=--short
	@$(RUN) cluster up
	@$(WITH_CLUSTER) $(RUN) benchmarks.weight $(ARGS)

chaos: environment ## executions and builds while things fail at random: make chaos SEED=1 DURATION=120
	@$(RUN) cluster up
	@$(WITH_CLUSTER) $(RUN) benchmarks.chaos --seed $(SEED) --seconds $(DURATION) $(ARGS)

faults: environment ## all writes of every scenario fail, in memory: killed before and after, request or answer lost
	@$(RUN) tests.faults $(ARGS)

histories: environment ## executions to which anything happens in any order, in memory: make histories EXAMPLES=300
	@$(RUN) tests.faults.histories $(EXAMPLES)

network-policies: environment ## the chart's NetworkPolicies under kube-router, which enforces them
	@$(RUN) cluster up
	@$(WITH_CLUSTER) $(RUN) pytest tests/network_policies $(ARGS)
