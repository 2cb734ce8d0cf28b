## scripts: demo, tests, benchmarks, example experiments
EXTRA_DIST += \
	.ci/run \
	scripts/packages \
	scripts/install \
	scripts/build \
	scripts/demo \
	scripts/fashion-demo.lua \
	scripts/experiments/cifar10.lua \
	scripts/experiments/fashion.lua \
	scripts/experiments/precision.lua \
	scripts/experiments/ratio-sweep.lua \
	scripts/paper/paper.lua \
	scripts/paper/gain.lua \
	scripts/paper/regularisers.lua \
	scripts/paper/distillation.lua \
	scripts/paper/longer.lua \
	scripts/paper/ablations.lua \
	scripts/paper/transfer.lua \
	scripts/paper/curves.lua \
	scripts/test \
	scripts/torch2h5.py \
	scripts/count \
	scripts/bench/compare \
	scripts/bench/screen

## What `netaug bench --compare` runs.
benchdir = $(pkgdatadir)/bench
dist_bench_DATA = \
	scripts/bench/torch_images.py \
	scripts/bench/torch_netaug.py
