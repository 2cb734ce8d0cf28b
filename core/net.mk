## core/net and core/train
libcore_a_SOURCES += \
	core/net/net.h core/net/build.h core/net/workspace.h core/train/trainer.h \
	core/net/names.c \
	core/net/elastic.c \
	core/net/net.c
