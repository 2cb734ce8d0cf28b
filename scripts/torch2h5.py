#!/usr/bin/python3
"""Weights between PyTorch and netaug, both ways.

  torch2h5.py weights.pth out.h5 --model mobilenetv2_tiny     a state_dict becomes a checkpoint
  torch2h5.py weights.pth out.h5 --template net.h5            ... of the network in net.h5
  torch2h5.py last.h5 weights.pth                             a checkpoint becomes a state_dict

netaug names parameters and running statistics as the NetAug authors' code does, and stores them with
PyTorch's shapes, so tensors are copied name by name. A file may hold the state_dict itself or have it
under "state_dict", "model_state_dict" or "model"; a leading "module." (DataParallel) is dropped.

The network comes from --model, a name of `netaug profile`, or --template, a file that netaug wrote
(a checkpoint, or what `net:save(path)` made); what the template holds and the state_dict does not is
kept only where --keep says so, as with another classifier: --keep 'head.op_list.3.*'. With
--leading a smaller tensor fills the leading part of a larger one: a tiny network becomes the base of
a supernet.

The result goes to a temporary file that is renamed when complete. Loading executes nothing from a
file: PyTorch's weights_only, needing 1.13 or later.

SPDX-License-Identifier: GPL-3.0-or-later
"""
import argparse
import collections
import fnmatch
import os
import pathlib
import subprocess
import sys
import tempfile

GROUPS = ("params", "buffers")
# What PyTorch keeps and netaug has no use for.
COUNTERS = ".num_batches_tracked"


def fail(message, hint):
    sys.exit(f"torch2h5.py: {message}\n  {hint}")


try:
    import h5py
    import numpy
    import torch
except ImportError as error:
    fail(f"a Python package is missing: {error.name}",
         "install them: apt-get install python3-torch python3-h5py, and use /usr/bin/python3")


# ------------------------------------------------------------------------------ PyTorch's side

def is_state(value):
    return (isinstance(value, dict) and len(value) > 0 and
            all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in value.items()))


def load_state(path):
    """Name -> float32 array."""
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        fail(f"{path} is not there", "give the path of a file that torch.save wrote")
    except Exception as error:  # torch raises what the unpickler met: its kinds are many
        fail(f"{path} cannot be read: {str(error).splitlines()[0][:200]}",
             "save the state_dict alone: torch.save(net.state_dict(), path)")
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(loaded, dict) and is_state(loaded.get(key)):
            loaded = loaded[key]
    if not is_state(loaded):
        fail(f"{path} holds no state_dict", "save one: torch.save(net.state_dict(), path)")
    state = {}
    for name, tensor in loaded.items():
        name = name.removeprefix("module.")
        if not name.endswith(COUNTERS):
            state[name] = tensor.detach().to(torch.float32).numpy()
    return state


# ------------------------------------------------------------------------------- netaug's side

def open_checkpoint(path):
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        fail(f"{path} cannot be opened: {error}", "give a checkpoint of netaug")
    kind = file.attrs.get("format", b"")
    kind = kind.decode("utf-8", "replace") if isinstance(kind, bytes) else str(kind)
    if kind != "netaug checkpoint" or any(group not in file for group in GROUPS):
        fail(f"{path} is not a checkpoint of netaug", "give a .h5 file that netaug wrote")
    return file


def tensors(file):
    """(group, name) of every tensor, in the file's order."""
    return [(group, name) for group in GROUPS for name in file[group]]


def lua_text(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def make_template(options, state, folder):
    """Lets netaug write the network itself, with as many classes as the classifier has rows."""
    path = os.path.join(folder, "template.h5")
    settings = dict(option.split("=", 1) for option in options.option)
    linear = [name for name, value in state.items() if value.ndim == 2]
    if "classes" not in settings and linear:
        settings["classes"] = str(state[linear[-1]].shape[0])
    fields = ", ".join(f"{key} = {value}" for key, value in settings.items())
    script = os.path.join(folder, "template.lua")
    pathlib.Path(script).write_text(
        f'local netaug = require "netaug"\n'
        f"local make = netaug.models[{lua_text(options.model)}]\n"
        f"netaug.build(make {{ {fields} }}, false):save({lua_text(path)})\n")
    try:
        done = subprocess.run([options.netaug, "run", script], capture_output=True, text=True)
    except OSError as error:
        fail(f"cannot run {options.netaug}: {error.strerror}", "give its path with --netaug")
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        fail(f"netaug could not make {options.model}: {said[0]}",
             "`netaug profile` lists the networks, `netaug profile NAME` their layers")
    return path


# --------------------------------------------------------------------------------- converting

def fitted(name, value, wanted, leading):
    """The tensor's new value in the file; `wanted` is its present one."""
    if value.shape == wanted.shape:
        return value
    smaller = value.ndim == wanted.ndim and all(a <= b for a, b in zip(value.shape, wanted.shape))
    if not smaller or not leading:
        hint = "with --leading a smaller tensor fills the leading part" if smaller else \
            f"is it the same network? To keep the template's values: --keep '{name}'"
        fail(f"{name} has shape {list(value.shape)}, but the network's is {list(wanted.shape)}", hint)
    result = wanted.copy()
    result[tuple(slice(0, n) for n in value.shape)] = value
    return result


def fill(file, state, options):
    kept, unused = [], set(state)
    for group, name in tensors(file):
        unused.discard(name)
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in options.keep):
            kept.append(name)
            continue
        if name not in state:
            fail(f"the state_dict has no {name}",
                 f"is it the same network? To keep the template's values: --keep '{name}'")
        value = fitted(name, state[name], file[group][name][...], options.leading)
        if not numpy.isfinite(value).all():
            fail(f"{name} has values that are not finite", "these weights are of no use")
        file[group][name][...] = value
    if unused:
        some = ", ".join(sorted(unused)[:3])
        fail(f"the network has no {some}" + (f" and {len(unused) - 3} more" if len(unused) > 3 else ""),
             "is it the same network?")
    if "momentum" in file:  # of other weights
        del file["momentum"]
    return kept


def to_netaug(options):
    state = load_state(options.source)
    with tempfile.TemporaryDirectory() as folder:
        template = options.template or make_template(options, state, folder)
        with open_checkpoint(template):
            content = pathlib.Path(template).read_bytes()
    temporary = f"{options.target}.{os.getpid()}.tmp"
    try:
        pathlib.Path(temporary).write_bytes(content)
        with h5py.File(temporary, "r+") as file:
            kept = fill(file, state, options)
            count = len(tensors(file)) - len(kept)
        os.replace(temporary, options.target)
    except OSError as error:
        fail(f"{options.target} cannot be written: {error}", "is there room, and may you write there?")
    finally:
        pathlib.Path(temporary).unlink(missing_ok=True)
    print(f"{options.target}: {count} tensors from {options.source}" +
          (f", {len(kept)} kept" if kept else ""))


def to_torch(options):
    state = collections.OrderedDict()
    with open_checkpoint(options.source) as file:
        for group, name in tensors(file):
            state[name] = torch.from_numpy(file[group][name][...].astype(numpy.float32))
    temporary = f"{options.target}.{os.getpid()}.tmp"
    try:
        torch.save(state, temporary)
        os.replace(temporary, options.target)
    except (OSError, RuntimeError) as error:
        fail(f"{options.target} cannot be written: {error}", "is there room, and may you write there?")
    finally:
        pathlib.Path(temporary).unlink(missing_ok=True)
    print(f"{options.target}: {len(state)} tensors from {options.source}")


def parse():
    parser = argparse.ArgumentParser(description="Weights between PyTorch and netaug, both ways.")
    parser.add_argument("source", help=".pth or .pt, or a checkpoint .h5")
    parser.add_argument("target", help="the other")
    parser.add_argument("--model", help="network of the zoo, such as mobilenetv2_tiny")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE",
                        help="an option of the model, such as resolution=160 or width_mult=0.5")
    parser.add_argument("--template", help="a .h5 file with the network")
    parser.add_argument("--keep", action="append", default=[], metavar="PATTERN",
                        help="tensors that keep the template's values")
    parser.add_argument("--leading", action="store_true",
                        help="smaller tensors fill the leading part of larger ones")
    parser.add_argument("--netaug", default="netaug", help="the program, for --model")
    options = parser.parse_args()
    if any("=" not in option for option in options.option):
        parser.error("--option takes NAME=VALUE")
    return parser, options


def main():
    parser, options = parse()
    back = options.source.endswith((".h5", ".hdf5"))
    if back == options.target.endswith((".h5", ".hdf5")):
        parser.error("one of the two files is a checkpoint .h5, the other a .pth or .pt")
    if back:
        to_torch(options)
    elif (options.model is None) == (options.template is None):
        parser.error("give the network: --model NAME or --template FILE.h5")
    else:
        to_netaug(options)


if __name__ == "__main__":
    main()
