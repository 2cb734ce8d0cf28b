## tests of tui, and of what holds for the whole tree
check_PROGRAMS += tests/test_command tests/test_progress
tests_test_command_SOURCES = tests/test_command.c
tests_test_command_LDADD = $(tui_libs)
tests_test_progress_SOURCES = tests/test_progress.c
tests_test_progress_LDADD = $(tui_libs)
dist_check_SCRIPTS = tests/test_layers.sh tests/test_cli.sh tests/test_run.sh
EXTRA_DIST += tests/check.sh tests/data.sh
TESTS += tests/test_command tests/test_progress $(dist_check_SCRIPTS)

## The short programs under memcheck. OpenBLAS allocates once for good; what is still reachable at the
## end is no leak.
VALGRIND_TESTS = tests/test_command tests/test_progress
check-valgrind: $(check_PROGRAMS) netaug$(EXEEXT)
if HAVE_VALGRIND
	@failed=0; for test in $(VALGRIND_TESTS); do \
	  echo "valgrind $$test"; \
	  $(AM_TESTS_ENVIRONMENT) OPENBLAS_NUM_THREADS=1; export OPENBLAS_NUM_THREADS; \
	  $(VALGRIND) -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
	    ./$$test || { echo "not ok $$test under valgrind"; failed=1; }; \
	done; exit $$failed
else
	@echo "make check-valgrind: valgrind is missing" >&2; \
	echo "  install it (apt-get install valgrind) and run configure again" >&2; exit 1
endif
.PHONY: check-valgrind
