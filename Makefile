# The commands of this house. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help up setup setup-dev check test bench chaos

# What measures is built as it would be run.
PROFILE ?= $(if $(filter bench,$(MAKECMDGOALS)),release,dev)
BUILT := $(if $(filter dev,$(PROFILE)),debug,$(PROFILE))

help: ## Lists the commands.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | column -t -s '|'

up: setup ## Builds and runs the whole suite here with a demo company; ARGS="--once" ends after the main job.
	cargo build --workspace --bin shopfloor --locked --profile $(PROFILE)
	@exec target/$(BUILT)/shopfloor up $(ARGS)

setup: ## Installs what running needs, if it is missing.
	@scripts/setup run

setup-dev: ## Installs what checking and testing need, if it is missing.
	@scripts/setup dev

check: setup-dev ## Format, lints, dependencies, contracts, architecture rules, manifests, alert rules.
	@scripts/check

test: setup-dev ## All tests, on free ports with throw-away Postgres and NATS.
	cargo test --workspace --locked

bench: setup ## Measures the suite against what this machine can do, in under five minutes; ARGS="--long", "--smoke", "--only intake".
	cargo build --workspace --bin shopfloor --bin bench --locked --profile $(PROFILE)
	@exec target/$(BUILT)/bench $(ARGS)

chaos: setup ## Faults into a running company, then every promise checked; ARGS="--long", "--seed 7", "--scenario outage:erp", "--scenario list".
	cargo build --workspace --bin shopfloor --bin chaos --locked --profile $(PROFILE)
	@exec target/$(BUILT)/chaos $(ARGS)
