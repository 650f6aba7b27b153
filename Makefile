# Atoll's commands, `make run`, `make test` and `make sdk`, do the set-up that is missing and then their
# job. Everything else is `cargo xtask --help`.

# A toolchain manager that was just installed may not be in the shell's path yet.
export PATH := $(HOME)/.cargo/bin:$(PATH)

.PHONY: help setup run test iso sdk

help:
	@echo "make run      boots Atoll in QEMU, its console on this terminal; Ctrl-A X leaves"
	@echo "make test     runs all tests"
	@echo "make iso      builds target/atoll.iso for BIOS and UEFI"
	@echo "make sdk      builds all that servers of your own take, and target/release/atoll"
	@echo "make setup    installs what is missing; the others do it by themselves"
	@echo "cargo xtask --help   all other tasks"

setup:
	@scripts/setup
	@[ -x "$${CARGO_TARGET_DIR:-target}/debug/xtask" ] || cargo build --package xtask

run: setup
	@cargo xtask run

test: setup
	@cargo xtask test

iso: setup
	@cargo xtask iso

sdk: setup
	@cargo xtask sdk
