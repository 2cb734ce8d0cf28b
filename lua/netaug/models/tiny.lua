-- A really tiny network for grey 28x28 images, small enough to train in a minute: it under-fits, so
-- NetAug has something to give.
-- SPDX-License-Identifier: GPL-3.0-or-later

local zoo = require "netaug.zoo"

zoo.add {
  name = "tiny", act = "relu6",
  help = "13,000 parameters and 0.33 MMACs, for small grey images",
  recipe = { width = { 1, 2, 3 }, expand = { 1, 1.6, 2.2, 2.8 },
             lr = 0.05, batch = 128, weight_decay = 4e-5 },
  options = { resolution = 28, channels = 1, classes = 10 },
  blocks = function(o)
    return {
      stem = {
        { "conv", k = 3, width = o.w(8), stride = o.stem_stride },
        { "separable", k = 3, width = o.w(8) },
      },
      stages = {
        { "inverted", n = 1, k = 3, expand = 4, width = o.w(16), stride = 2 },
        { "inverted", n = 2, k = 3, expand = 4, width = o.w(24), stride = 2 },
      },
      head = {
        { "conv", k = 1, width = o.w(64) },
        { "pool" },
        { "linear", dropout = o.dropout },
      },
    }
  end,
}
