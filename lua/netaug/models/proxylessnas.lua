-- ProxylessNAS-Mobile (Cai, Zhu, Han 2019): found by search on phones.
-- SPDX-License-Identifier: GPL-3.0-or-later

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
      { "conv", k = 3, width = o.w(32), stride = o.stem_stride },
      { "separable", k = 3, width = o.w(16) },
    },
    stages = {
      stage({ 3, 3 }, { 5, 3 }, 2, o.w(32)),
      stage({ 3, 3, 3, 3 }, { 7, 3, 5, 5 }, 2, o.w(40)),
      stage({ 6, 3, 3, 3 }, { 7, 5, 5, 5 }, 2, o.w(80)),
      stage({ 6, 3, 3, 3 }, { 5, 5, 5, 5 }, 1, o.w(96)),
      stage({ 6, 6, 3, 3 }, { 7, 7, 7, 7 }, 2, o.w(192)),
    },
    head = {
      { "inverted", k = 7, expand = 6, width = o.w(320) },
      { "conv", k = 1, width = math.max(o.w(1280), 1280) },
      { "pool" },
      { "linear", dropout = o.dropout },
    },
  }
end

local recipe = { width = { 1, 1.8, 2.6 }, expand = { 1, 1.6, 2.2, 2.8 },
                 lr = 0.025, batch = 128, weight_decay = 4e-5 }

zoo.add {
  name = "proxylessnas", act = "relu6", recipe = recipe, blocks = blocks,
  help = "ProxylessNAS-Mobile (relu6), x0.35 at 160x160 unless told otherwise",
  options = { width_mult = 0.35, resolution = 160 },
}

zoo.add {
  name = "proxylessnas_small", act = "relu6", recipe = recipe, blocks = blocks,
  help = "ProxylessNAS-Mobile x0.35 for 32x32 images: stem stride 1, last feature map 4x4",
  options = { width_mult = 0.35, resolution = 32, classes = 10, stem_stride = 1,
              strides = { 1, 2, 2, 1, 2 } },
}
