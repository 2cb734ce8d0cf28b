## lua: the embedded Lua and its library
lua_headers = lua/na_lua.h lua/na_lua_private.h

noinst_LIBRARIES += liblua_netaug.a
liblua_netaug_a_CPPFLAGS = $(AM_CPPFLAGS) $(LUA_CFLAGS) -DNA_LUA_FOLDER='"$(pkgdatadir)/lua"'
liblua_netaug_a_SOURCES = $(lua_headers) \
	lua/na_lua.c \
	lua/na_lua_arms.c \
	lua/na_lua_builder.c \
	lua/na_lua_data.c \
	lua/na_lua_event.c \
	lua/na_lua_experiment.c lua/na_lua_experiment.h \
	lua/na_lua_experiment_run.c \
	lua/na_lua_file.c \
	lua/na_lua_help.c \
	lua/na_lua_keep.c \
	lua/na_lua_measure.c \
	lua/na_lua_net.c \
	lua/na_lua_resume.c \
	lua/na_lua_run.c \
	lua/na_lua_runs.c \
	lua/na_lua_script.c \
	lua/na_lua_settings.c \
	lua/na_lua_steer.c \
	lua/na_lua_tensor.c \
	lua/na_lua_verdict.c \
	lua/na_lua_wait.c \
	lua/na_lua_zoo.c

lua_libs = liblua_netaug.a

## The library's Lua files keep their folders where they are installed.
luanetaugdir = $(pkgdatadir)/lua/netaug
EXTRA_DIST += lua/README.md
dist_luanetaug_DATA = \
	lua/netaug/build.lua \
	lua/netaug/complete.lua \
	lua/netaug/find_lr.lua \
	lua/netaug/fit.lua \
	lua/netaug/init.lua \
	lua/netaug/json.lua \
	lua/netaug/model.lua \
	lua/netaug/show.lua \
	lua/netaug/strict.lua \
	lua/netaug/suggest.lua \
	lua/netaug/sweep.lua \
	lua/netaug/sweep_arms.lua \
	lua/netaug/sweep_cost.lua \
	lua/netaug/sweep_drop.lua \
	lua/netaug/sweep_queue.lua \
	lua/netaug/sweep_results.lua \
	lua/netaug/sweep_run.lua \
	lua/netaug/sweep_store.lua \
	lua/netaug/sweep_text.lua \
	lua/netaug/sweep_tune.lua \
	lua/netaug/verdict.lua \
	lua/netaug/zoo.lua
luamodelsdir = $(pkgdatadir)/lua/netaug/models
dist_luamodels_DATA = \
	lua/netaug/models/mcunet.lua \
	lua/netaug/models/mobilenetv2.lua \
	lua/netaug/models/mobilenetv3.lua \
	lua/netaug/models/proxylessnas.lua \
	lua/netaug/models/resnet.lua \
	lua/netaug/models/tiny.lua
