## tests of datasets
data_tests = \
	tests/test_data_real \
	tests/test_dataset \
	tests/test_image \
	tests/test_loader \
	tests/test_mix \
	tests/test_operation \
	tests/test_packed \
	tests/test_transform
check_PROGRAMS += $(data_tests)
TESTS += $(data_tests)
data_test_cppflags = $(AM_CPPFLAGS) $(JPEG_CFLAGS) $(PNG_CFLAGS) $(ZLIB_CFLAGS)
data_test_libs = $(datasets_libs) $(core_libs) $(HDF5_LIBS) $(OPENBLAS_LIBS)
data_test_files = tests/data_files.c tests/data_files.h

tests_test_data_real_SOURCES = tests/test_data_real.c $(data_test_files)
tests_test_data_real_CPPFLAGS = $(data_test_cppflags)
tests_test_data_real_LDADD = $(data_test_libs)

tests_test_dataset_SOURCES = tests/test_dataset.c $(data_test_files)
tests_test_dataset_CPPFLAGS = $(data_test_cppflags)
tests_test_dataset_LDADD = $(data_test_libs)

tests_test_image_SOURCES = tests/test_image.c $(data_test_files)
tests_test_image_CPPFLAGS = $(data_test_cppflags)
tests_test_image_LDADD = $(data_test_libs)

tests_test_loader_SOURCES = tests/test_loader.c $(data_test_files)
tests_test_loader_CPPFLAGS = $(data_test_cppflags)
tests_test_loader_LDADD = $(data_test_libs)

tests_test_mix_SOURCES = tests/test_mix.c $(data_test_files)
tests_test_mix_CPPFLAGS = $(data_test_cppflags)
tests_test_mix_LDADD = $(data_test_libs)

tests_test_operation_SOURCES = tests/test_operation.c tests/operation_values.h
EXTRA_DIST += tests/pil_operations.py
tests_test_operation_LDADD = $(data_test_libs)

tests_test_packed_SOURCES = tests/test_packed.c $(data_test_files)
tests_test_packed_CPPFLAGS = $(data_test_cppflags)
tests_test_packed_LDADD = $(data_test_libs)

tests_test_transform_SOURCES = tests/test_transform.c
tests_test_transform_LDADD = $(data_test_libs)
