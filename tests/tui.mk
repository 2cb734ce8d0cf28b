## tests of tui, and of what holds for the whole tree
check_PROGRAMS += tests/test_command tests/test_progress
tests_test_command_SOURCES = tests/test_command.c
tests_test_command_LDADD = $(tui_libs)
tests_test_progress_SOURCES = tests/test_progress.c
tests_test_progress_LDADD = $(tui_libs)
dist_check_SCRIPTS = tests/test_layers.sh tests/test_cli.sh tests/test_run.sh
EXTRA_DIST += tests/check.sh tests/data.sh
TESTS += tests/test_command tests/test_progress $(dist_check_SCRIPTS)
