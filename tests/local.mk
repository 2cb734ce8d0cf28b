## Tests: each part lists its own in its own file. TESTS print "ok NAME" / "not ok NAME" lines.
## AddressSanitizer keeps little freed memory and fills none: cold pages took a quarter of test_damage's time.
AM_TESTS_ENVIRONMENT = \
	NETAUG_SRCDIR='$(abs_top_srcdir)'; export NETAUG_SRCDIR; \
	NETAUG_BUILDDIR='$(abs_top_builddir)'; export NETAUG_BUILDDIR; \
	NETAUG_LUA='$(abs_top_srcdir)/lua'; export NETAUG_LUA; \
	LSAN_OPTIONS='suppressions=$(abs_top_srcdir)/tests/lsan.supp:print_suppressions=0'; export LSAN_OPTIONS; \
	ASAN_OPTIONS='quarantine_size_mb=16:max_malloc_fill_size=0'; export ASAN_OPTIONS; \
	: "$${NETAUG_SHARED:=$(abs_top_srcdir)/../shared}"; export NETAUG_SHARED;
EXTRA_DIST += tests/check.h

include tests/core.mk
include tests/net.mk
include tests/datasets.mk
include tests/store.mk
include tests/runs.mk
include tests/lua.mk
include tests/tui.mk
