## core/net and core/train
libcore_a_SOURCES += \
	core/net/net.h core/net/build.h core/net/workspace.h core/train/trainer.h \
	core/net/names.c \
	core/net/elastic.c \
	core/net/net.c \
	core/net/cost.c \
	core/net/initialize.c \
	core/net/sort.c \
	core/net/extract.c \
	core/net/text.c
