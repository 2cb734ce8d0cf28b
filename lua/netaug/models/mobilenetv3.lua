-- MobileNetV3-Large (Howard et al. 2019).
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Its middles are given as channels, scaled by the width multiplier like the widths. Activations and
-- squeeze-excite gates (se = true) are chosen stage by stage.

local zoo = require "netaug.zoo"

local function stage(o, mids, k, stride, act, se, width)
  local blocks = {}
  for i, mid in ipairs(mids) do
    blocks[i] = { "inverted", k = k, mid = o.w(mid), width = o.w(width), act = act, se = se,
                  stride = i == 1 and stride or 1 }
  end
  return blocks
end

local function blocks(o)
  return {
    stem = {
      { "conv", k = 3, width = o.w(16), stride = o.stem_stride, act = "h-swish" },
      { "separable", k = 3, width = o.w(16), act = "relu", residual = true },
    },
    stages = {
      stage(o, { 64, 72 }, 3, 2, "relu", false, 24),
      stage(o, { 72, 120, 120 }, 5, 2, "relu", true, 40),
      stage(o, { 240, 200, 184, 184 }, 3, 2, "h-swish", false, 80),
      stage(o, { 480, 672 }, 3, 1, "h-swish", true, 112),
      stage(o, { 672, 960, 960 }, 5, 2, "h-swish", true, 160),
    },
    head = {
      { "conv", k = 1, width = o.w(960), act = "h-swish" },
      { "pool" },
      { "conv", k = 1, width = math.max(o.w(1280), 1280), act = "h-swish", norm = false,
        bias = true },
      { "linear", dropout = o.dropout },
    },
  }
end

local recipe = { width = { 1, 2, 3 }, expand = { 1, 1.6, 2.2, 2.8 },
                 lr = 0.1, batch = 128, weight_decay = 3e-5 }

zoo.add {
  name = "mobilenetv3", recipe = recipe, blocks = blocks,
  help = "MobileNetV3-Large (h-swish, squeeze-excite), x0.35 at 160x160 unless told otherwise",
  options = { width_mult = 0.35, resolution = 160 },
}

zoo.add {
  name = "mobilenetv3_small", recipe = recipe, blocks = blocks,
  help = "MobileNetV3-Large x0.35 for 32x32 images: stem stride 1, last feature map 4x4",
  options = { width_mult = 0.35, resolution = 32, classes = 10, stem_stride = 1,
              strides = { 1, 2, 2, 1, 2 } },
}
