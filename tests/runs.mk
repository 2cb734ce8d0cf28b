## tests of core/runs
check_PROGRAMS += tests/test_runs
TESTS += tests/test_runs
EXTRA_DIST += tests/runs_scratch.h
tests_test_runs_SOURCES = tests/test_runs.c
tests_test_runs_LDADD = $(store_test_libs)
