## The engine. Kernels are compiled once per instruction set.
noinst_LIBRARIES += libcore.a libkernel_plain.a
if X86
noinst_LIBRARIES += libkernel_avx2.a libkernel_avx512.a libkernel_avx512bf16.a libkernel_amx.a
endif

bfloat_sources = \
	core/kernel/bfloat.c \
	core/kernel/bfloat_direct.c \
	core/kernel/bfloat_matrix.c \
	core/kernel/bfloat_pack.c \
	core/kernel/bfloat_table.c
kernel_sources = \
	core/kernel/matmul.c \
	core/kernel/pack.c \
	core/kernel/depthwise.c \
	core/kernel/depthwise_backward.c \
	core/kernel/peak.c \
	core/kernel/plane.c \
	core/kernel/table.c \
	core/kernel/window.c \
	core/kernel/winograd.c \
	$(bfloat_sources)
kernel_cflags = $(AM_CFLAGS) $(KERNEL_CFLAGS) -fno-signed-zeros

libkernel_plain_a_SOURCES = $(kernel_sources)
libkernel_plain_a_CPPFLAGS = $(AM_CPPFLAGS) -DNA_ISA=plain
libkernel_plain_a_CFLAGS = $(kernel_cflags)
libkernel_avx2_a_SOURCES = $(kernel_sources)
libkernel_avx2_a_CPPFLAGS = $(AM_CPPFLAGS) -DNA_ISA=avx2
libkernel_avx2_a_CFLAGS = $(kernel_cflags) -mavx2 -mfma
libkernel_avx512_a_SOURCES = $(kernel_sources)
libkernel_avx512_a_CPPFLAGS = $(AM_CPPFLAGS) -DNA_ISA=avx512
avx512_cflags = $(kernel_cflags) -mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma -mprfchw -mprefer-vector-width=512
libkernel_avx512_a_CFLAGS = $(avx512_cflags)
libkernel_avx512bf16_a_SOURCES = $(kernel_sources)
libkernel_avx512bf16_a_CPPFLAGS = $(AM_CPPFLAGS) -DNA_ISA=avx512bf16
libkernel_avx512bf16_a_CFLAGS = $(avx512_cflags) -mavx512bf16
## The same products with other instructions.
libkernel_amx_a_SOURCES = $(bfloat_sources)
libkernel_amx_a_CPPFLAGS = $(AM_CPPFLAGS) -DNA_ISA=amx
libkernel_amx_a_CFLAGS = $(avx512_cflags) -mavx512bf16 -mamx-tile -mamx-bf16

libcore_a_CPPFLAGS = $(AM_CPPFLAGS) $(HDF5_CFLAGS) $(OPENBLAS_CFLAGS)
libcore_a_SOURCES = \
	core/base/clock.c core/base/clock.h \
	core/base/error.c core/base/error.h \
	core/base/memory.c core/base/memory.h \
	core/base/random.c core/base/random.h \
	core/base/settings.c core/base/settings.h \
	core/base/sha1.c core/base/sha1.h \
	core/base/source.h \
	core/base/team.c core/base/team.h \
	core/base/text.c core/base/text.h \
	core/kernel/activation.h core/kernel/ahead.h core/kernel/bfloat.h core/kernel/bfloat_multiply.h \
	core/kernel/direct.h core/kernel/kernels.h \
	core/kernel/precision.h core/kernel/products.c core/kernel/products.h core/kernel/ring.h core/kernel/simd.h core/kernel/views.h \
	core/kernel/choose.c core/kernel/gemm.c core/kernel/gemm.h \
	core/kernel/naive.c core/kernel/naive.h \
	core/layer/dense.c core/layer/dense.h core/layer/layer.h core/layer/split.h \
	core/layer/expansion.c core/layer/expansion.h core/layer/expansion_forward.c \
	core/layer/add.c \
	core/layer/bands.c core/layer/bands.h \
	core/layer/pointwise.c \
	core/layer/depthwise.c \
	core/layer/direct.c core/layer/direct.h \
	core/layer/dropblock.c \
	core/layer/dropout.c \
	core/layer/linear.c \
	core/layer/norm.c \
	core/layer/pool.c \
	core/layer/squeeze.c \
	core/layer/window.c \
	core/layer/winograd.c core/layer/winograd.h \
	core/net/loss.c \
	core/net/pass.c \
	core/net/plan.c core/net/plan.h \
	core/net/workspace.c core/net/workspace_private.h

core_libs = libcore.a libkernel_plain.a
if X86
core_libs += libkernel_avx2.a libkernel_avx512.a libkernel_avx512bf16.a libkernel_amx.a
endif

include core/net.mk
include core/runs.mk
include core/stats.mk
include core/arms.mk
include core/store.mk
