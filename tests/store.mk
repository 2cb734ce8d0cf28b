## tests of store
store_tests = \
	tests/test_store_h5 \
	tests/test_store_hostile \
	tests/test_store_checkpoint \
	tests/test_store_metrics \
	tests/test_store_reader
check_PROGRAMS += $(store_tests)
TESTS += $(store_tests) tests/test_store_names.sh tests/test_disk.sh
EXTRA_DIST += tests/h5py_files.py tests/test_store_names.sh tests/test_disk.sh tests/store_scratch.h tests/store_net.h
store_test_libs = $(core_libs) $(HDF5_LIBS) $(OPENBLAS_LIBS)

tests_test_store_h5_SOURCES = tests/test_store_h5.c
tests_test_store_h5_LDADD = $(store_test_libs)

tests_test_store_hostile_SOURCES = tests/test_store_hostile.c
tests_test_store_hostile_CPPFLAGS = $(AM_CPPFLAGS) $(HDF5_CFLAGS)
tests_test_store_hostile_LDADD = $(store_test_libs)

tests_test_store_checkpoint_SOURCES = tests/test_store_checkpoint.c
tests_test_store_checkpoint_LDADD = $(store_test_libs)

tests_test_store_metrics_SOURCES = tests/test_store_metrics.c
tests_test_store_metrics_LDADD = $(store_test_libs)

tests_test_store_reader_SOURCES = tests/test_store_reader.c
tests_test_store_reader_LDADD = $(store_test_libs)

## The reference fixtures. Built by plain `make` too: build/tests/check_fixture FILE...
noinst_PROGRAMS += tests/check_fixture
TESTS += tests/test_fixtures.sh
EXTRA_DIST += tests/test_fixtures.sh
tests_check_fixture_SOURCES = tests/check_fixture.c \
	tests/fixture.c tests/fixture.h \
	tests/fixture_checks.c \
	tests/fixture_report.c tests/fixture_report.h
tests_check_fixture_CPPFLAGS = $(AM_CPPFLAGS) -DFIXTURE_LUA='"$(abs_top_srcdir)/lua"'
tests_check_fixture_LDADD = $(lua_libs) $(datasets_libs) $(core_libs) \
	$(LUA_LIBS) $(HDF5_LIBS) $(OPENBLAS_LIBS) $(JPEG_LIBS) $(PNG_LIBS) $(ZLIB_LIBS)
