## tests of core/base, core/kernel, core/layer and the running of networks
EXTRA_DIST += tests/lanes.h tests/kernel_cases.h
core_test_libs = $(core_libs) $(OPENBLAS_LIBS)

check_PROGRAMS += tests/test_kernels tests/test_convolutions tests/test_products
TESTS += tests/test_kernels tests/test_convolutions tests/test_products
check_PROGRAMS += tests/test_rounded tests/test_direct
TESTS += tests/test_rounded tests/test_direct
tests_test_rounded_SOURCES = tests/test_rounded.c
tests_test_rounded_LDADD = $(core_test_libs)
tests_test_direct_SOURCES = tests/test_direct.c
tests_test_direct_LDADD = $(core_test_libs)
tests_test_products_SOURCES = tests/test_products.c
tests_test_products_LDADD = $(core_test_libs)
tests_test_kernels_SOURCES = tests/test_kernels.c
tests_test_kernels_LDADD = $(core_test_libs)
tests_test_convolutions_SOURCES = tests/test_convolutions.c
tests_test_convolutions_LDADD = $(core_test_libs)

core_test_nets = tests/naive_net.c tests/naive_net.h tests/small_nets.c tests/small_nets.h

check_PROGRAMS += tests/test_gradients
TESTS += tests/test_gradients
tests_test_gradients_SOURCES = tests/test_gradients.c $(core_test_nets)
tests_test_gradients_LDADD = $(core_test_libs)

check_PROGRAMS += tests/test_expansion
TESTS += tests/test_expansion
tests_test_expansion_SOURCES = tests/test_expansion.c $(core_test_nets)
tests_test_expansion_LDADD = $(core_test_libs)

check_PROGRAMS += tests/test_workspace
TESTS += tests/test_workspace
tests_test_workspace_SOURCES = tests/test_workspace.c $(core_test_nets)
tests_test_workspace_LDADD = $(core_test_libs)

check_PROGRAMS += tests/test_base tests/test_plan tests/test_stats
TESTS += tests/test_base tests/test_plan tests/test_stats
tests_test_base_SOURCES = tests/test_base.c
tests_test_base_LDADD = $(core_test_libs)
tests_test_plan_SOURCES = tests/test_plan.c
tests_test_plan_LDADD = $(core_test_libs)
tests_test_stats_SOURCES = tests/test_stats.c
tests_test_stats_LDADD = $(core_test_libs)

check_PROGRAMS += tests/test_arms
TESTS += tests/test_arms
EXTRA_DIST += tests/run_folders.h
tests_test_arms_SOURCES = tests/test_arms.c
tests_test_arms_LDADD = $(core_libs) $(HDF5_LIBS) $(OPENBLAS_LIBS)
