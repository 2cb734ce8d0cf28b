## core/stats
libcore_a_SOURCES += \
	core/stats/distribution.c core/stats/distribution.h \
	core/stats/effect.c core/stats/effect.h \
	core/stats/exact.c \
	core/stats/mean.c core/stats/test.h \
	core/stats/verdict.c core/stats/verdict.h
