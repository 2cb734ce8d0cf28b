## core/net and core/train
libcore_a_SOURCES += \
	core/net/net.h core/net/build.h core/net/workspace.h \
	core/net/names.c \
	core/net/elastic.c \
	core/net/net.c \
	core/net/cost.c \
	core/net/initialize.c \
	core/net/sort.c \
	core/net/extract.c \
	core/net/forecast.c core/net/forecast.h \
	core/net/transfer.c core/net/freeze.c \
	core/net/text.c \
	core/train/trainer.h core/train/trainer_private.h \
	core/train/settings.c \
	core/train/augment.c core/train/augment.h \
	core/train/steer.c core/train/steer.h \
	core/train/draws.c core/train/agreement.c \
	core/train/distill.c core/train/distill.h \
	core/train/origin.c \
	core/train/position.c core/train/replay.c \
	core/train/record.c core/train/record.h \
	core/train/environment.c core/train/environment.h \
	core/train/schedule.c \
	core/train/step.c \
	core/train/ring.c core/train/ring.h \
	core/train/condition.c core/train/condition.h \
	core/train/evaluate.c core/train/evaluate.h \
	core/train/finite.c core/train/finite.h \
	core/train/columns.c core/train/columns.h \
	core/train/recorder.c core/train/recorder.h \
	core/train/trainer.c \
	core/train/worker.c
