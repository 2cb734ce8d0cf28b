-- Residual networks (He et al. 2016): large ones, the paper's contrast to tiny networks.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A bottleneck narrows to `mid` channels by a 1x1 convolution, filters them by a 3x3 one, and
-- widens them to `width`; a basic block is two 3x3 convolutions. Where the shape changes, the
-- shortcut is a 1x1 convolution. The middles are the elastic "expand" dimensions.

local zoo = require "netaug.zoo"

local recipe = { width = { 1, 1.25, 1.5 }, expand = { 1, 1.25, 1.5 },
                 lr = 0.05, batch = 128, weight_decay = 4e-5 }

zoo.add {
  name = "resnet50", act = "relu", recipe = recipe,
  help = "ResNet50 at 224x224, 4.1 GMACs: NetAug gains nothing here",
  options = { resolution = 224 },
  blocks = function(o)
    return {
      stem = {
        { "conv", k = 7, width = o.w(64), stride = o.stem_stride },
        { "maxpool", k = 3, stride = 2 },
      },
      stages = {
        { "bottleneck", n = 3, k = 3, mid = o.w(64), width = o.w(256), stride = 1 },
        { "bottleneck", n = 4, k = 3, mid = o.w(128), width = o.w(512), stride = 2 },
        { "bottleneck", n = 6, k = 3, mid = o.w(256), width = o.w(1024), stride = 2 },
        { "bottleneck", n = 3, k = 3, mid = o.w(512), width = o.w(2048), stride = 2 },
      },
      head = { { "pool" }, { "linear", dropout = o.dropout } },
    }
  end,
}

-- ResNet-20 of the paper's CIFAR-10 section, with projections where the width changes.
zoo.add {
  name = "resnet_small", act = "relu", recipe = recipe,
  help = "ResNet-20 for 32x32 images, 41 MMACs",
  options = { resolution = 32, classes = 10, stem_stride = 1 },
  blocks = function(o)
    return {
      stem = { { "conv", k = 3, width = o.w(16), stride = o.stem_stride } },
      stages = {
        { "basic", n = 3, k = 3, mid = o.w(16), width = o.w(16), stride = 1 },
        { "basic", n = 3, k = 3, mid = o.w(32), width = o.w(32), stride = 2 },
        { "basic", n = 3, k = 3, mid = o.w(64), width = o.w(64), stride = 2 },
      },
      head = { { "pool" }, { "linear", dropout = o.dropout } },
    }
  end,
}
