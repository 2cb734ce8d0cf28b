## core/runs
libcore_a_SOURCES += \
	core/runs/cache.c core/runs/cache.h \
	core/runs/catalogue.c core/runs/catalogue.h \
	core/runs/column.c core/runs/column.h \
	core/runs/difference.c core/runs/difference.h \
	core/runs/filter.c core/runs/filter.h \
	core/runs/note.c core/runs/note.h \
	core/runs/run.c core/runs/run.h \
	core/runs/trash.c core/runs/trash.h
