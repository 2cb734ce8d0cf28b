## core/store
libcore_a_SOURCES += \
	core/store/h5.c core/store/h5.h core/store/h5_private.h \
	core/store/h5_attribute.c core/store/h5_dataset.c core/store/h5_driver.c \
	core/store/h5_text.c core/store/h5_copy.c \
	core/store/checkpoint.c core/store/checkpoint.h \
	core/store/metrics.c core/store/metrics.h
EXTRA_DIST += core/store/FORMAT.md
