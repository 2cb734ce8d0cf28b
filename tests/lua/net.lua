-- SPDX-License-Identifier: GPL-3.0-or-later
local netaug = require "netaug"

local model = netaug.models.mobilenetv2_tiny { classes = 10, resolution = 64 }
local net = netaug.build(model)
assert(net.name == "mobilenetv2_tiny" and net.channels == 3)
assert(net.height == 64 and net.width == 64)
assert(net.classes == 10)

-- The reference's numbers for 64x64 and 10 classes.
local base, widest = net:cost(), net:cost "widest"
assert(base.macs == 4366912 and base.parameters == 305770)
assert(base.norm_parameters > 0 and base.peak > 0 and base.activation >= base.peak)
assert(widest.macs > 10 * base.macs and widest.parameters > base.parameters)

-- Layers add up to the whole.
local macs, parameters = 0, 0
for _, layer in ipairs(net:layers()) do
  macs, parameters = macs + layer.macs, parameters + layer.parameters
end
assert(macs == base.macs and parameters == base.parameters)

-- Widths: by name, by candidate, drawn.
local w = net:widths()
assert(w["stem.conv"] == 16 and w["block0.mid"] == 48 and w["head.conv1"] == 448)
local chosen = net:widths { ["stem.conv"] = 3, ["block0.mid"] = 2 }
assert(chosen["stem.conv"] == 42 and chosen["stem.block"] == 8)
assert(chosen["block0.mid"] == 77) -- round(6 * 1.6 * 8)
assert(net:cost(chosen).macs > base.macs and net:cost(w).macs == base.macs)
assert(net:cost({}).macs == base.macs)
local a, b, c = net:sample("random", 1), net:sample("random", 1), net:sample("random", 2)
local same, different = true, false
for name, channels in pairs(a) do
  same = same and b[name] == channels
  different = different or c[name] ~= channels
end
assert(same and different)
assert(net:sample("min_w", 5)["stem.conv"] == 16)
assert(net:cost(net:sample("widest")).macs == widest.macs)
assert(net:cost(net:sample("base")).macs == base.macs)

local dims = net:dims()
local by_name = {}
for _, dim in ipairs(dims) do by_name[dim.name] = dim end
assert(by_name["stem.conv"].kind == "width" and #by_name["stem.conv"].list == 3)
assert(by_name["block3.mid"].kind == "expand" and by_name["block3.mid"].source == "block2.out")
assert(by_name.classes.kind == "fixed" and by_name.classes.max == 10)

-- Parameters and running statistics.
local names, found = net:params(), {}
for _, name in ipairs(names) do found[name] = true end
assert(found["backbone.input_stem.op_list.0.conv.weight"])
assert(found["backbone.input_stem.op_list.0.norm.running_mean"])
assert(net:param("backbone.input_stem.op_list.0.norm.weight"):mean() == 1)
net:initialize(3)
local shape = net:param("head.op_list.3.linear.weight").shape
assert(shape[1] == 10 and shape[2] == 1165)

-- Files.
local path = os.tmpname()
net:save(path)
local loaded = netaug.load(path)
for _, name in ipairs(names) do
  assert(loaded:param(name):l2() == net:param(name):l2(), name)
end
assert(loaded:cost("widest").macs == widest.macs)
os.remove(path)

-- A sub-network of its own.
local tiny = net:extract()
assert(tiny:cost("widest").macs == base.macs)
local whole = net:param("head.op_list.3.linear.weight"):slice(2, 1, 448)
assert(tiny:param("head.op_list.3.linear.weight"):l2() == whole:l2())

-- Sorting keeps the set of values.
local before = net:param("backbone.stages.0.op_list.0.conv.inverted_conv.conv.weight")
local after = net:sort():param("backbone.stages.0.op_list.0.conv.inverted_conv.conv.weight")
assert(math.abs(before:l2() - after:l2()) < 1e-9 and before[1][1]:sum() ~= after[1][1]:sum())

assert(tostring(net):find("net mobilenetv2_tiny: 3x64x64 -> 10 classes", 1, true))
print("checked")
