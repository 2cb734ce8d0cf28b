-- CIFAR-10 with a network of 4.8 million MACs, above 80% in one run.
--
--   netaug run scripts/experiments/cifar10.lua PATH [EPOCHS]
--
-- PATH is a folder with the binary version (data_batch_1.bin, ...), a folder train/CLASS/*.jpg
-- beside val/CLASS/*.jpg, or a file that `netaug data pack` made of either.
-- SPDX-License-Identifier: GPL-3.0-or-later

local netaug = require "netaug"

local path = arg[1] or error("give the path of CIFAR-10 as an argument", 0)

local exp = netaug.experiment {
  name    = "cifar10",
  model   = netaug.models.mobilenetv2_small { classes = 10 },
  data    = netaug.dataset(path, { batch = 128, crop = 4, flip = true, augment = "crop" }),
  augment = { width = { 1, 1.5 }, expand = { 1, 1.5 } },
  train   = { epochs = tonumber(arg[2]) or 24, warmup = 1, lr = 0.1, seed = 1 },
}

function exp:on_epoch(e)
  print(("epoch %2d  train %.1f%%  validation %.1f%%"):format(e.epoch, 100 * e.base.top1,
    100 * e.base_val.top1))
end

local result = exp:run()
print(("validation top-1 %.2f%%, best %.2f%%, %.0f s, files in %s"):format(100 * result.base.top1,
  100 * result.best.top1, result.seconds, result.run))
print(exp.net)
