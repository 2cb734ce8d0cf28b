## tests of net
check_PROGRAMS += tests/test_net tests/test_net_text
TESTS += tests/test_net tests/test_net_text
EXTRA_DIST += tests/zoo.h
tests_test_net_SOURCES = tests/test_net.c
tests_test_net_LDADD = $(core_libs)
tests_test_net_text_SOURCES = tests/test_net_text.c
tests_test_net_text_LDADD = $(core_libs)
