## tui: the program
bin_PROGRAMS += netaug
noinst_LIBRARIES += libtui.a

libtui_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURSES_CFLAGS) $(READLINE_CFLAGS) $(CAIRO_CFLAGS) \
	-DNA_BENCH_FOLDER='"$(pkgdatadir)/bench"'
libtui_a_SOURCES = \
	tui/bench.c tui/bench.h \
	tui/bench_data.c tui/bench_data.h \
	tui/bench_profile.c \
	tui/bench_screen.c tui/bench_screen.h \
	tui/cmd_bench.c \
	tui/cmd_compare.c \
	tui/cmd_data.c \
	tui/cmd_diff.c \
	tui/cmd_eval.c \
	tui/cmd_export.c \
	tui/cmd_help.c \
	tui/cmd_inspect.c \
	tui/cmd_profile.c \
	tui/cmd_repl.c \
	tui/cmd_report.c \
	tui/cmd_resume.c \
	tui/cmd_run.c \
	tui/cmd_runs.c \
	tui/cmd_verify.c \
	tui/cmd_watch.c \
	tui/report/data.c tui/report/facts.c tui/report/facts.h tui/report/html.c tui/report/pdf.c \
	tui/report/pictures.c tui/report/pictures.h \
	tui/report/report.h tui/report/text.c \
	tui/same.c tui/same.h \
	tui/collection.c tui/collection.h \
	tui/command.c tui/command.h \
	tui/compare.c tui/compare.h \
	tui/completion.c \
	tui/drive.c tui/drive.h \
	tui/editor.c tui/editor.h \
	tui/export.h tui/export_curves.c tui/export_network.c tui/export_table.c \
	tui/images.c tui/images.h \
	tui/inspect/about.c tui/inspect/detail.h \
	tui/inspect/activations.c tui/inspect/activations.h \
	tui/inspect/browser.c tui/inspect/browser.h \
	tui/inspect/differ.c tui/inspect/differ.h \
	tui/inspect/inspect.c tui/inspect/inspect.h \
	tui/inspect/inspect_draw.c tui/inspect/inspect_private.h \
	tui/inspect/page.c tui/inspect/page.h \
	tui/inspect/picture.c tui/inspect/picture.h \
	tui/inspect/pictures.c \
	tui/inspect/print.c tui/inspect/print.h \
	tui/inspect/slice.c tui/inspect/slice.h \
	tui/inspect/statistics.c \
	tui/inspect/tensors.c tui/inspect/tensors.h \
	tui/inspect/tree.c tui/inspect/tree.h \
	tui/inspect/values.c \
	tui/json.c tui/json.h \
	tui/manpage.c \
	tui/manual.c tui/manual.h \
	tui/model.c tui/model.h \
	tui/output.c tui/output.h \
	tui/peaks.c tui/peaks.h \
	tui/plot/figure.c tui/plot/figure.h \
	tui/plot/heatmap.c \
	tui/plot/layout.c tui/plot/layout.h \
	tui/plot/pages.c tui/plot/pages.h \
	tui/plot/pen.c tui/plot/pen.h \
	tui/plot/scale.c tui/plot/scale.h \
	tui/plot/trace.c \
	tui/progress.c tui/progress.h \
	tui/prompt.c tui/prompt.h \
	tui/records.c tui/records.h \
	tui/run_curves.c tui/run_curves.h \
	tui/run_list.c tui/run_list.h \
	tui/run_table.c tui/run_table.h \
	tui/screen/arms.c tui/screen/arms.h \
	tui/screen/canvas.c tui/screen/canvas.h \
	tui/screen/chart.c tui/screen/chart.h \
	tui/screen/compare.c tui/screen/compare.h \
	tui/screen/curves.c tui/screen/curves.h \
	tui/screen/entry.c tui/screen/entry.h \
	tui/screen/grid.c tui/screen/grid.h \
	tui/screen/hosted.c tui/screen/hosted.h \
	tui/screen/key.h \
	tui/screen/live.c tui/screen/live.h \
	tui/screen/live_draw.c \
	tui/screen/log.c tui/screen/log.h \
	tui/screen/overlay.c tui/screen/overlay.h \
	tui/screen/runs_diff.c tui/screen/runs_diff.h \
	tui/screen/pyramid.c tui/screen/pyramid.h \
	tui/screen/series.c tui/screen/series.h \
	tui/screen/sizes.c tui/screen/sizes.h \
	tui/screen/tty.c tui/screen/tty.h \
	tui/screen/view.h \
	tui/screen/view_activations.c tui/screen/view_files.c \
	tui/screen/view_augment.c \
	tui/screen/view_compare.c \
	tui/screen/view_curves.c \
	tui/screen/view_help.c \
	tui/screen/view_runs.c \
	tui/screen/view_log.c \
	tui/screen/whatif.c tui/screen/whatif.h \
	tui/screen/workbench.c tui/screen/workbench.h \
	tui/samples.c tui/samples.h \
	tui/session.c tui/session.h \
	tui/signals.c tui/signals.h \
	tui/table.c tui/table.h \
	tui/terminal.c tui/terminal.h \
	tui/torch.c tui/torch.h

tui_libs = libtui.a $(lua_libs) $(datasets_libs) $(core_libs) \
	$(LUA_LIBS) $(HDF5_LIBS) $(OPENBLAS_LIBS) $(CURSES_LIBS) $(READLINE_LIBS) \
	$(CAIRO_LIBS) $(JPEG_LIBS) $(PNG_LIBS) $(ZLIB_LIBS)
netaug_SOURCES = tui/main.c
netaug_LDADD = $(tui_libs)

## The man page and the completion are what the program says about itself.
man1_MANS = tui/netaug.1
completiondir = $(datadir)/bash-completion/completions
completion_DATA = tui/completion/netaug
CLEANFILES += tui/netaug.1 tui/completion/netaug
run_uninstalled = NETAUG_LUA='$(abs_top_srcdir)/lua' ./netaug$(EXEEXT)

tui/netaug.1: netaug$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) tui && $(run_uninstalled) help --man > $@.tmp && mv $@.tmp $@

tui/completion/netaug: netaug$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) tui/completion && \
	$(run_uninstalled) help --complete > $@.tmp && mv $@.tmp $@
