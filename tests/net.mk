## tests of core/net and core/train
net_tests = tests/test_net tests/test_net_text tests/test_train tests/test_trainer tests/test_steer tests/test_resume
check_PROGRAMS += $(net_tests)
TESTS += $(net_tests)
EXTRA_DIST += tests/zoo.h tests/synthetic.h tests/trainer_rig.h
net_ldadd = $(core_libs) $(HDF5_LIBS) $(OPENBLAS_LIBS)
tests_test_net_SOURCES = tests/test_net.c
tests_test_net_LDADD = $(net_ldadd)
tests_test_net_text_SOURCES = tests/test_net_text.c
tests_test_net_text_LDADD = $(net_ldadd)
tests_test_train_SOURCES = tests/test_train.c
tests_test_train_LDADD = $(net_ldadd)
tests_test_trainer_SOURCES = tests/test_trainer.c
tests_test_trainer_LDADD = $(net_ldadd)
tests_test_steer_SOURCES = tests/test_steer.c
tests_test_steer_LDADD = $(net_ldadd)
tests_test_resume_SOURCES = tests/test_resume.c
tests_test_resume_LDADD = $(net_ldadd)
