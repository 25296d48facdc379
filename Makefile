# Names of commands, nothing else: what they do is in scripts/ and in `cargo xtask`.

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench litellm sim guard-figures

help:
	@echo "make demo          build the gate, put it in front of a small real model, make one call, keep serving"
	@echo "make demo ONCE=1   the same, but stop after the call"
	@echo "make test          everything that can fail: checks, Rust tests, SDK tests, a browser"
	@echo "make lint          format, clippy and the house rules"
	@echo "make sim RUNS=20000   rehearse money in simulated time, RUNS times, from seed SEED on"
	@echo "make bench         compare the gate with nginx; ARGS=... is passed on (ARGS=--quick, ARGS=soak, ARGS=parts)"
	@echo "make guard-figures CORPORA=folder   measure the guards on labelled texts, and write docs/guards.md anew"
	@echo "make litellm       LiteLLM's own proxy beside the gate, which keeps its money; installs LiteLLM (700 MB)"

demo:
	@python3 scripts/demo.py $(if $(ONCE),--once)

test:
	@python3 scripts/suite.py

lint:
	@python3 scripts/suite.py --lint

bench:
	@scripts/bench.sh $(ARGS)

guard-figures:
	@cargo build --quiet -p bartizan && python3 scripts/guard/figures.py $(CORPORA)

litellm:
	@python3 scripts/litellm.py

sim:
	@BARTIZAN_SIM_RUNS=$(or $(RUNS),1000) BARTIZAN_SIM_SEED=$(or $(SEED),1) \
		cargo test --release -p sim --test it -- --nocapture agp_budget_3_1_no_run
