## core/net and core/train
libcore_a_SOURCES += core/net/net.h core/net/workspace.h core/train/trainer.h
