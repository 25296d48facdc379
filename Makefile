# Names of commands, nothing else: what they do is in scripts/ and in `cargo xtask`.

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench

help:
	@echo "make demo          build the gate, put it in front of a small real model, make one call, keep serving"
	@echo "make demo ONCE=1   the same, but stop after the call"
	@echo "make test          everything that can fail: checks, Rust tests, SDK tests, a browser"
	@echo "make lint          format, clippy and the house rules"
	@echo "make bench         compare the gate with nginx; ARGS=... is passed on (ARGS=--quick, ARGS=soak, ARGS=parts)"

demo:
	@python3 scripts/demo.py $(if $(ONCE),--once)

test:
	@python3 scripts/suite.py

lint:
	@python3 scripts/suite.py --lint

bench:
	@scripts/bench.sh $(ARGS)
