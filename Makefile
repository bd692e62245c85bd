# What a person does with this repository. `make` alone prints this list.
.DEFAULT_GOAL := help
.PHONY: help run test bench build wheel audit clean local-up local-down local-status local-build logs

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## build, start EverReach with the example worker, route one action
	@scripts/run.sh

test: ## every check that a change has to pass
	@scripts/test.sh

bench: ## the benches, and EverReach beside FastAPI in one run
	@scripts/bench.sh

build: ## the program, in release
	cargo build --release --locked --bin everreach

wheel: ## the Python wheel, in $CARGO_TARGET_DIR/wheels
	@scripts/wheel.sh

audit: ## licences, advisories, banned and duplicate crates, sources
	@scripts/audit.sh

local-up: ## start the local stack in containers: EverReach, Redis, Chroma, Prometheus
	@scripts/local.sh up

local-down: ## end it; its data is kept
	@scripts/local.sh down

local-status: ## what of it runs, and how well
	@scripts/local.sh status

local-build: ## build its image anew
	@scripts/local.sh build

logs: ## follow what it says
	@scripts/local.sh logs

clean: ## remove what was built
	cargo clean
