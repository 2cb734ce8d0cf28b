## core/store
libcore_a_SOURCES += core/store/h5.h core/store/checkpoint.h core/store/metrics.h
