## tests of tui, and of what holds for the whole tree
check_PROGRAMS += tests/test_command tests/test_export tests/test_inspect tests/test_live tests/test_plot tests/test_progress \
	tests/test_prompt tests/test_whatif
tests_test_export_SOURCES = tests/test_export.c
tests_test_export_LDADD = $(tui_libs)
tests_test_plot_SOURCES = tests/test_plot.c
tests_test_plot_LDADD = $(tui_libs)
tests_test_live_SOURCES = tests/test_live.c
tests_test_live_LDADD = $(tui_libs)
tests_test_inspect_SOURCES = tests/test_inspect.c
tests_test_inspect_LDADD = $(tui_libs)
tests_test_whatif_SOURCES = tests/test_whatif.c
tests_test_whatif_LDADD = $(tui_libs)
tests_test_prompt_SOURCES = tests/test_prompt.c
tests_test_prompt_LDADD = $(tui_libs)
tests_test_command_SOURCES = tests/test_command.c
tests_test_command_LDADD = $(tui_libs)
tests_test_progress_SOURCES = tests/test_progress.c
check_PROGRAMS += tests/test_report
TESTS += tests/test_report
EXTRA_DIST += tests/saved_screen.h
tests_test_report_SOURCES = tests/test_report.c
tests_test_report_LDADD = $(tui_libs)
tests_test_progress_LDADD = $(tui_libs)
dist_check_SCRIPTS = tests/test_layers.sh tests/test_cli.sh tests/test_run.sh tests/test_paper.sh tests/test_resume.sh \
	tests/test_torch.sh tests/test_runs_list.sh tests/test_runs_screen.sh tests/test_screen.sh tests/test_inspect.sh tests/test_readers.sh
EXTRA_DIST += tests/screens.h tests/check.sh tests/terminal.sh tests/data.sh tests/torch_tiny.py tests/screens tests/lsan.supp
TESTS += tests/test_command tests/test_export tests/test_inspect tests/test_live tests/test_plot tests/test_progress tests/test_prompt tests/test_whatif $(dist_check_SCRIPTS)

check_PROGRAMS += tests/test_runs_view
TESTS += tests/test_runs_view
tests_test_runs_view_SOURCES = tests/test_runs_view.c
tests_test_runs_view_LDADD = $(tui_libs)

## The short programs, and a short training run, under memcheck; those that take longest begin. What is still
## reachable at the end is no leak: OpenBLAS and terminfo allocate once for good.
VALGRIND_TESTS = \
	tests/test_inspect tests/test_store_checkpoint \
	tests/test_base tests/test_plan tests/test_stats tests/test_arms tests/test_net_text tests/test_train \
	tests/test_image tests/test_packed \
	tests/test_store_h5 tests/test_store_hostile tests/test_store_metrics tests/test_runs_view \
	tests/test_lua tests/test_lua_errors \
	tests/test_command tests/test_export tests/test_live tests/test_plot tests/test_progress tests/test_prompt tests/test_whatif
MEMCHECK = $(VALGRIND) -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
	--suppressions=$(abs_top_srcdir)/tests/valgrind.supp
EXTRA_DIST += tests/valgrind_run.sh tests/valgrind.supp

check-valgrind: $(check_PROGRAMS) netaug$(EXEEXT)
if HAVE_VALGRIND
	@$(AM_TESTS_ENVIRONMENT) OPENBLAS_NUM_THREADS=1; export OPENBLAS_NUM_THREADS; \
	failed=0; printf '%s\n' $(VALGRIND_TESTS) | xargs -P "$$(nproc)" -I TEST sh -c \
	  'echo "valgrind TEST"; $(MEMCHECK) ./TEST || { echo "not ok TEST under valgrind"; exit 1; }' || failed=1; \
	$(srcdir)/tests/valgrind_run.sh $(MEMCHECK) || failed=1; \
	exit $$failed
else
	@echo "make check-valgrind: valgrind is missing" >&2; \
	echo "  install it (apt-get install valgrind) and run configure again" >&2; exit 1
endif
.PHONY: check-valgrind
