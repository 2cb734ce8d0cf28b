-- SPDX-License-Identifier: GPL-3.0-or-later
local netaug = require "netaug"
local model = require "netaug.model"
local add, for_data = require("netaug.build").add, require("netaug.build").for_data

-- Every kind of block can be built, and nothing else can.
for kind in pairs(model.kinds) do assert(add[kind], kind) end
for kind in pairs(add) do assert(model.kinds[kind], kind) end

-- Channels divisible by 8.
assert(netaug.divisible(11.2) == 16 and netaug.divisible(8.4) == 8 and netaug.divisible(1) == 8)
assert(netaug.divisible(33.6) == 32 and netaug.divisible(448) == 448)
assert(netaug.divisible(22.4) == 24)

-- A page of Lua makes a network, with every kind of block.
local made = netaug.model {
  name = "page", act = "h-swish", channels = 1, resolution = 30, classes = 7,
  stem = { { "conv", k = 5, width = 9, stride = 2 },
           { "separable", k = 3, width = 9, residual = true },
           { "maxpool", k = 3, stride = 2 } },
  stages = {
    { "inverted", n = 3, k = 5, expand = 2.5, width = 12, se = true },
    { { "inverted", k = 3, mid = 20, width = 14, se = 17, stride = 2 },
      { "inverted", width = 14 } },
    { "bottleneck", n = 2, mid = 6, width = 24, stride = 2, act = "relu" },
    { "basic", n = 2, mid = 10, width = 24 },
    { { "conv", k = 3, width = 16 }, { "avgpool", k = 3, stride = 1 }, { "dropout", rate = 0.1 },
      { "dropblock", rate = 0.1, k = 3 } },
  },
  head = { { "conv", width = 20 }, { "pool" }, { "conv", width = 22, norm = false, bias = true },
           { "linear", dropout = 0.2 } },
  recipe = { width = { 1, 2 }, expand = { 1, 3 }, lr = 0.1 },
}
local net = netaug.build(made)
assert(net.height == 30 and net.classes == 7)
local w = net:widths "widest"
assert(w["stem.conv"] == 18 and w["stem.block"] == nil) -- a shortcut shares its input's dimension
assert(w["block0.out"] == 24 and w["block1.out"] == nil)
assert(net:widths()["block0.mid"] == 24) -- make_divisible(round(2.5 * 9))
assert(w["block4.mid"] == 528) -- 88 / 14 * 3 * 28
assert(w["block5.mid"] and w["block5.mid2"], "a bottleneck has two middles")
assert(net:widths()["block3.mid.se"] == 17)
assert(net:cost("widest").macs > net:cost().macs)

-- Repeats: only the first block has the stride.
local strides = {}
for _, layer in ipairs(net:layers()) do
  local b = layer.name:match("stages%.2%.op_list%.(%d)%.conv%.conv2$")
  if b then strides[tonumber(b)] = layer.stride end
end
assert(strides[0] == 2 and strides[1] == 1)

-- Lists: the recipe's, given ones, r and s, none.
assert(netaug.build(made, { r = 3, s = 2 }):widths("widest")["stem.conv"] == 27)
assert(#netaug.build(made, { r = 3, s = 2 }):dims()[2].list == 3)
assert(netaug.build(made, { width = { 1, 4 } }):widths("widest")["stem.conv"] == 36)
assert(netaug.build(made, false):widths("widest")["stem.conv"] == 9)
assert(netaug.build(made, {}):widths("widest")["stem.conv"] == 9)

-- What a training drops is built into its network; the classifier's dropout replaces the model's.
local shape = { channels = 3, height = 32, width = 32, classes = 10, name = "made up" }
local function dropping(drops)
  local found = { dropout = {}, dropblock = {} }
  local given = netaug.models.resnet_small { dropout = 0.5 }
  for _, layer in ipairs(for_data(given, {}, shape, drops):layers()) do
    if found[layer.kind] then found[layer.kind][#found[layer.kind] + 1] = layer end
  end
  return found
end
local drops = dropping { dropblock = 0.2, size = 5, stages = 2 }
assert(#drops.dropout == 1 and drops.dropout[1].rate == 0.5)
assert(#drops.dropblock == 18) -- two convolutions and a shortcut in each of three blocks, twice
for i, layer in ipairs(drops.dropblock) do
  assert(layer.kernel == 5 and layer.rate == (i <= 9 and 0.05 or 0.2), layer.name)
end
drops = dropping { dropblock = 0, dropout = 0.25 }
assert(#drops.dropblock == 0 and drops.dropout[1].rate == 0.25)
assert(#dropping({ dropblock = 0, dropout = 0 }).dropout == 0)

-- A model prints as its blocks.
local text = tostring(made)
assert(text:find("page: 1x30x30 -> 7 classes, h-swish", 1, true), text)
assert(text:find("bottleneck  width = 24, mid = 6, stride = 2, act = relu", 1, true), text)

-- The table a model was made from is left as it was, and can be used again.
local block = { "conv", k = 3, width = 8, n = 2, stride = 2 }
netaug.model { stem = { block } }
assert(block.n == 2 and block.stride == 2)

-- Every network of the zoo at odd settings.
for name, make in pairs(netaug.models) do
  local options = { classes = 7, resolution = 33, channels = 1, stem_stride = 1, dropout = 0.1 }
  if not name:find("mcunet") then options.width_mult = 0.3 end
  local small = netaug.build(make(options), { width = { 1, 1.5 }, expand = { 1, 1.3 } })
  assert(small.classes == 7 and small.height == 33 and small.channels == 1, name)
  assert(small:cost("widest").macs > small:cost().macs, name)
end

-- The last feature map of networks for small images is 4x4.
for _, family in ipairs { "mobilenetv2", "mobilenetv3", "proxylessnas", "mcunet" } do
  local name = family .. "_small"
  local layers, last = netaug.build(netaug.models[name] {}, false):layers(), nil
  for i, layer in ipairs(layers) do
    if layer.kind == "globalpool" then last = layers[i - 1] end
  end
  assert(last.height == 4 and last.width == 4, name)
end
assert(netaug.build(netaug.models.mobilenetv2_small {}, false):cost().macs <= 5e6)

local tiny = netaug.build(netaug.models.tiny {}):cost()
assert(tiny.macs >= 0.3e6 and tiny.macs <= 1e6)
assert(tiny.parameters >= 5000 and tiny.parameters <= 20000)

-- ResNet50 has the textbook's size.
local resnet = netaug.build(netaug.models.resnet50 {}, false):cost()
assert(resnet.parameters == 25557032, resnet.parameters)
assert(resnet.macs > 4.05e9 and resnet.macs < 4.15e9, resnet.macs)

print("checked")
