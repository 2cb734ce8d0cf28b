-- MobileNetV2 (Sandler et al. 2018), and the tiny one of the NetAug paper (Cai et al. 2022).
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- An inverted block widens its input `expand` times by a 1x1 convolution, filters each channel by
-- itself (k x k), and narrows the result to `width` channels by another 1x1 convolution. `n`
-- repeats a block: the first has the stride, the others stride 1 and a shortcut.

local zoo = require "netaug.zoo"

local recipe = { width = { 1, 1.8, 2.6 }, expand = { 1, 1.6, 2.2, 2.8 },
                 lr = 0.025, batch = 128, weight_decay = 4e-5 }

local function stem(o)
  return {
    { "conv", k = 3, width = o.w(32), stride = o.stem_stride },
    { "separable", k = 3, width = o.w(16) },
  }
end

local function stages(o)
  return {
    { "inverted", n = 2, k = 3, expand = 6, width = o.w(24), stride = 2 },
    { "inverted", n = 3, k = 3, expand = 6, width = o.w(32), stride = 2 },
    { "inverted", n = 4, k = 3, expand = 6, width = o.w(64), stride = 2 },
    { "inverted", n = 3, k = 3, expand = 6, width = o.w(96), stride = 1 },
    { "inverted", n = 3, k = 3, expand = 6, width = o.w(160), stride = 2 },
  }
end

-- The last convolution keeps 1280 channels in narrow networks, except in the tiny one.
local function head(o, last)
  return {
    { "inverted", k = 3, expand = 6, width = o.w(320) },
    { "conv", k = 1, width = last },
    { "pool" },
    { "linear", dropout = o.dropout },
  }
end

zoo.add {
  name = "mobilenetv2_tiny", act = "relu6", recipe = recipe,
  help = "MobileNetV2 x0.35 with a small head, 144x144: the NetAug paper's smallest",
  options = { width_mult = 0.35, resolution = 144 },
  blocks = function(o)
    return { stem = stem(o), stages = stages(o), head = head(o, o.w(1280)) }
  end,
}

zoo.add {
  name = "mobilenetv2", act = "relu6", recipe = recipe,
  help = "MobileNetV2 (relu6), x0.35 at 160x160 unless told otherwise",
  options = { width_mult = 0.35, resolution = 160 },
  blocks = function(o)
    return { stem = stem(o), stages = stages(o), head = head(o, math.max(o.w(1280), 1280)) }
  end,
}

-- For 32x32 images. The first convolution keeps the resolution; from there on most of the work is
-- done at 16x16 and 8x8, and the last feature map is 4x4.
zoo.add {
  name = "mobilenetv2_small", act = "relu6", recipe = recipe,
  help = "inverted blocks for 32x32 images, stem stride 1: 4.8 MMACs, good on CIFAR-10",
  options = { resolution = 32, classes = 10, stem_stride = 1 },
  blocks = function(o)
    return {
      stem = {
        { "conv", k = 3, width = o.w(16), stride = o.stem_stride },
        { "separable", k = 3, width = o.w(16), stride = 2 },
      },
      stages = {
        { "inverted", n = 2, k = 3, expand = 3, width = o.w(24), stride = 1 },
        { { "inverted", k = 3, expand = 3, width = o.w(40), stride = 2 },
          { "inverted", k = 3, expand = 4, width = o.w(40) } },
        { "inverted", n = 2, k = 3, expand = 3, width = o.w(64), stride = 2 },
      },
      head = {
        { "conv", k = 1, width = o.w(192) },
        { "pool" },
        { "linear", dropout = o.dropout },
      },
    }
  end,
}
