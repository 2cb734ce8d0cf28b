## core/store
libcore_a_SOURCES += \
	core/store/h5.c core/store/h5.h core/store/h5_private.h \
	core/store/h5_attribute.c core/store/h5_dataset.c core/store/h5_driver.c \
	core/store/h5_text.c core/store/h5_copy.c \
	core/store/h5_object.c core/store/h5_type.c core/store/h5_value.c \
	core/store/object.h core/store/object_private.h \
	core/store/reader.c core/store/reader.h \
	core/store/scan.c core/store/scan.h \
	core/store/checkpoint.c core/store/checkpoint.h \
	core/store/checkpoint_fields.c core/store/checkpoint_fields.h \
	core/store/metrics.c core/store/metrics.h
EXTRA_DIST += core/store/FORMAT.md
