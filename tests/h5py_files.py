"""Files as h5py's users have them, for the tests: h5py_files.py typical|odd FILE.
SPDX-License-Identifier: GPL-3.0-or-later"""
import sys
import h5py
import numpy as np

kind, path = sys.argv[1:]
rng = np.random.RandomState(0)
with h5py.File(path, "w", userblock_size=0 if kind == "typical" else 1024) as f:
    if kind == "typical":  # as Keras writes it, and some more
        f.attrs["keras_version"] = "2.9.0"
        f.attrs["model_config"] = '{"class_name": "Sequential"}' * 20
        group = f.create_group("model_weights/dense/dense")
        group["kernel:0"] = np.arange(640, dtype="f4").reshape(64, 10) / 64
        group["bias:0"] = np.zeros(10, "f4")
        f["model_weights/dense"].attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
        f.create_dataset("packed", data=rng.rand(100, 20), chunks=(10, 20), compression="gzip", shuffle=True)
        f["names"] = np.array(["alpha", "beta", "gamma"], dtype=h5py.string_dtype())
        f["half"] = np.array([0, 0.5, -2, np.inf, np.nan], dtype="f2")
        f["flags"] = np.array([True, False, True])
        f["table"] = np.array([(1, 2.5, b"ab"), (2, 3.5, b"cd")], dtype=[("a", "i4"), ("b", "f8"), ("c", "S4")])
        f["soft"] = h5py.SoftLink("/packed")
        f["dangling"] = h5py.SoftLink("/none")
        f["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
        f["reference"] = np.array([f["packed"].ref], dtype=h5py.ref_dtype)
    else:
        f["empty"] = h5py.Empty("f4")
        f["zero"] = np.zeros((0, 3))
        f["scalar"] = 3.5
        f["reversed"] = np.array([-3, 300], dtype=">i2")
        f["largest"] = np.array([2**64 - 1], dtype="u8")
        f["long"] = np.array([1.5], dtype=np.longdouble)
        f["complex"] = np.array([1 + 2j])
        f["enum"] = np.array([0, 1, 2], dtype=h5py.enum_dtype({"A": 0, "B": 1}, "i2"))
        lists = f.create_dataset("lists", (2,), dtype=h5py.vlen_dtype("f4"))
        lists[0], lists[1] = [1, 2, 3], [4]
        f["opaque"] = np.array([b"abcd"], dtype="V4")
        f["arrays"] = np.zeros(2, dtype=[("m", "f4", (2, 2))])
        f["fixed"] = np.array([b"ab", b"cde"])
        f["region"] = np.array([f["scalar"].regionref[()]], dtype=h5py.regionref_dtype)
        f.create_dataset("outside", (3,), "f4", external="/etc/hostname")
        f["type"] = np.dtype("f2")
        f.create_dataset("lzf", data=np.zeros((10, 10)), compression="lzf")
        f.create_dataset("huge", (10**6, 10**6), "f4", chunks=(100, 100))
        f.create_group("soft").attrs["grid"] = np.arange(6).reshape(2, 3)
        f["soft/up"] = h5py.SoftLink("../scalar")
        f["soft/good"] = h5py.SoftLink("/scalar")
        f["cycle"] = f["/"]
        f["bell \x07 and\nline"] = [1]
        for name, value in (("null", h5py.Empty("S1")), ("bool", True), ("list", ["a", "b"]), ("tenth", np.float32(0.1))):
            f.attrs[name] = value
        group = f
        for i in range(1200):
            group = group.create_group("g")
        group["deep"] = [7.0]
        group["up"] = f["/"]
