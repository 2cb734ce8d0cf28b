## core/arms
libcore_a_SOURCES += \
	core/arms/arms.c core/arms/arms.h \
	core/arms/band.c core/arms/band.h \
	core/arms/folders.c core/arms/folders.h \
	core/arms/group.c core/arms/group.h \
	core/arms/lattice.c core/arms/lattice.h \
	core/arms/member.c core/arms/member.h \
	core/arms/measure.c core/arms/measure.h
