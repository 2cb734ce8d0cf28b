## tests of core/base, core/kernel, core/layer and the running of networks
EXTRA_DIST += tests/lanes.h
core_test_libs = $(core_libs) $(OPENBLAS_LIBS)

check_PROGRAMS += tests/test_kernels
TESTS += tests/test_kernels
tests_test_kernels_SOURCES = tests/test_kernels.c
tests_test_kernels_LDADD = $(core_test_libs)
