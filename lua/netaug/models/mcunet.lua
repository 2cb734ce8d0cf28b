-- MCUNet (Lin et al. 2020), the network found for microcontrollers on ImageNet ("in3").
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Its kernels, expansions and widths were searched one by one, so there is no width multiplier. A
-- stage is written as its expansions and kernels, block by block.

local zoo = require "netaug.zoo"

local function stage(expands, kernels, stride, width)
  local blocks = {}
  for i, expand in ipairs(expands) do
    blocks[i] = { "inverted", k = kernels[i], expand = expand, width = width,
                  stride = i == 1 and stride or 1 }
  end
  return blocks
end

local function blocks(o)
  return {
    stem = {
      { "conv", k = 3, width = 16, stride = o.stem_stride },
      { "separable", k = 3, width = 8 },
    },
    stages = {
      stage({ 3, 5, 5, 4 }, { 7, 3, 7, 5 }, 2, 16),
      stage({ 5, 5, 5 }, { 5, 5, 5 }, 2, 24),
      stage({ 5, 6, 4 }, { 3, 7, 5 }, 2, 40),
      stage({ 5, 5, 5 }, { 5, 7, 3 }, 1, 48),
      stage({ 6, 5, 4 }, { 3, 7, 3 }, 2, 96),
    },
    head = {
      { "inverted", k = 7, mid = 480, width = 160 },
      { "pool" },
      { "linear", dropout = o.dropout },
    },
  }
end

local recipe = { width = { 1, 1.6, 2.2 }, expand = { 1, 1.6, 2.2, 2.8 },
                 lr = 0.0125, batch = 64, weight_decay = 4e-5 }

zoo.add {
  name = "mcunet", act = "relu6", recipe = recipe, fixed_width = true, blocks = blocks,
  help = "MCUNet (relu6) at 176x176: searched for microcontrollers",
  options = { resolution = 176 },
}

zoo.add {
  name = "mcunet_small", act = "relu6", recipe = recipe, fixed_width = true, blocks = blocks,
  help = "MCUNet for 32x32 images: stem stride 1, last feature map 4x4",
  options = { resolution = 32, classes = 10, stem_stride = 1, strides = { 1, 2, 2, 1, 2 } },
}
