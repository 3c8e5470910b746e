# The two commands of a newcomer are `make bench` and `make test`; everything else is for people who change the code.
GO ?= go
BIN := bin/llavabench

.PHONY: all build bench test vet fuzz clean

all: build

build:
	$(GO) build -o $(BIN) ./cmd/llavabench

# Asks the four trained checkpoints of testdata/sight the fixed test items and prints accuracy, image tokens and latency.
bench: build
	$(BIN) bench

# The same with fewer items and without the mean-colour baseline: under a minute.
.PHONY: bench-quick
bench-quick: build
	$(BIN) bench --limit 49 --baselines=false --out runs/bench-quick

# Runs the four studies of testdata/ablations on the shipped models (layer of the tower, fewer bits, resolution and tiling, image
# tokens), each with a report below runs/ablations. What is complete there is left alone.
.PHONY: ablations
ablations: build
	@set -e; for study in layer quantisation resolution tokens; do \
	  $(BIN) ablate testdata/ablations/$$study.yaml --out runs/ablations/$$study --resume; \
	done

test:
	$(GO) test ./...

vet:
	$(GO) vet ./...
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "gofmt would change:"; echo "$$out"; exit 1; fi

# A short pass of every fuzz target; FUZZTIME=60s for a longer one. The default is a number of inputs: when a time limit
# strikes while a slow input runs, Go's fuzzer can report "context deadline exceeded" as a failure.
FUZZTIME ?= 2000x
fuzz:
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "fuzz $$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$pkg; \
	  done; \
	done

# Feeds some 1,600 damaged files of every kind to the program, each in a process of its own, and prints a table of outcomes;
# TORTURE is the number of generated cases per kind.
.PHONY: torture
TORTURE ?= 25
torture: build
	$(GO) run ./tools/torture -count $(TORTURE)

# Runs the shipped suite over and over for SOAK while everything goes wrong: kills, full disks, vanishing files, competing
# processes. No sample may be lost or answered twice, and memory stays flat.
.PHONY: soak
SOAK ?= 2m
soak: build
	$(GO) run ./tools/soak -for $(SOAK)

# Runs the shipped suite as a job array of a real Slurm on this machine, with shards killed half way. Needs Debian's slurm-wlm
# and munge; without them the test says so and is skipped.
.PHONY: slurm
slurm:
	$(GO) test -count=1 -v ./tools/slurm

# Shows that instruction set, threads and chunking never change a bit of the logits.
.PHONY: bits
bits:
	$(GO) run ./tools/bits

# Measures the kernels against the machine's limits and prints a table; bin/kernels-bench.txt is for benchstat.
.PHONY: kernels-bench
BENCH ?= .
BENCHTIME ?= 300ms
COUNT ?= 1
kernels-bench:
	@mkdir -p bin
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -count $(COUNT) -timeout 0 ./kernels > bin/kernels-bench.txt
	$(GO) run ./tools/benchtable < bin/kernels-bench.txt

# Remakes the checkpoints and pictures of testdata; they come out byte for byte as they are.
.PHONY: testdata
testdata: build
	$(GO) run ./tools/pictures testdata/images
	rm -rf testdata/models
	for m in llava1 llava15 llava15hd llava16; do $(BIN) synth --config tiny-$$m --out testdata/models/$$m || exit 1; done
	$(BIN) suite make --split val --seed 1 --count 13 --out bin/val
	cp bin/val/images/val-1-000012.png testdata/sight/wide.png

# Measures what sharing and batching gain in questions per hour, on a random model of half a gigabyte in a temporary directory,
# and what the runner itself costs; some minutes.
.PHONY: eval-bench
eval-bench:
	$(GO) run ./tools/evalbench

# A bill of materials of the program, CycloneDX 1.6, the same bytes every time.
.PHONY: sbom
sbom:
	@mkdir -p bin
	$(GO) run ./tools/sbom -o bin/llavabench.cdx.json

# Shows what moved since the outputs in testdata/golden were recorded, and accepts it. make test compares with them.
.PHONY: goldens
goldens: build
	$(BIN) golden update testdata/golden

clean:
	rm -rf bin runs
