## datasets: images on disk to batches. -O3 vectorises the loops over pixels; see vector.h for the other.
noinst_LIBRARIES += libdatasets.a
libdatasets_a_CPPFLAGS = $(AM_CPPFLAGS) $(JPEG_CFLAGS) $(PNG_CFLAGS) $(ZLIB_CFLAGS)
libdatasets_a_CFLAGS = $(AM_CFLAGS) -O3 -ffp-contract=off
libdatasets_a_SOURCES = \
	datasets/cifar.c \
	datasets/codec.h \
	datasets/collection.h \
	datasets/colour.c datasets/colour.h \
	datasets/dataset.c datasets/dataset.h \
	datasets/folder.c \
	datasets/idx.c \
	datasets/image.c datasets/image.h \
	datasets/jpeg.c \
	datasets/kept.c \
	datasets/loader.c \
	datasets/mix.c datasets/mix.h \
	datasets/names.c datasets/names.h \
	datasets/operation.c datasets/operation.h \
	datasets/pack.c \
	datasets/packed.c datasets/packed.h \
	datasets/png.c \
	datasets/policy.c datasets/policy.h \
	datasets/resample.c \
	datasets/sample.c \
	datasets/stream.c datasets/stream.h \
	datasets/subset.c \
	datasets/transform.c datasets/transform.h \
	datasets/vector.h

## For programs that link the loaders; it must come before $(core_libs).
datasets_libs = libdatasets.a $(JPEG_LIBS) $(PNG_LIBS) $(ZLIB_LIBS)
