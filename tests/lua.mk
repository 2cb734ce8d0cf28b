## tests of lua
lua_test_libs = $(lua_libs) $(datasets_libs) $(core_libs) $(LUA_LIBS) $(HDF5_LIBS) $(OPENBLAS_LIBS)
lua_tests = tests/test_lua tests/test_lua_errors tests/test_lua_zoo tests/test_lua_run
check_PROGRAMS += $(lua_tests)
TESTS += $(lua_tests)
tests_test_lua_SOURCES = tests/test_lua.c
tests_test_lua_LDADD = $(lua_test_libs)
tests_test_lua_errors_SOURCES = tests/test_lua_errors.c
tests_test_lua_errors_LDADD = $(lua_test_libs)
tests_test_lua_zoo_SOURCES = tests/test_lua_zoo.c
tests_test_lua_zoo_LDADD = $(lua_test_libs)
tests_test_lua_run_SOURCES = tests/test_lua_run.c
tests_test_lua_run_LDADD = $(lua_test_libs)
EXTRA_DIST += \
	tests/lua_state.h \
	tests/lua/experiment.lua \
	tests/lua/help.lua \
	tests/lua/models.lua \
	tests/lua/net.lua \
	tests/lua/run.lua \
	tests/lua/show.lua \
	tests/lua/steer.lua \
	tests/lua/sweep.lua \
	tests/lua/tensor.lua
EXTRA_DIST += tests/test_sweep.sh
TESTS += tests/test_sweep.sh
