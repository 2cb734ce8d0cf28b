-- How much wider should the supernet be? The paper's ablation of the augmentation factor r, over the
-- same seeds for every r.
--
--   netaug run scripts/experiments/ratio-sweep.lua [EPOCHS [SEEDS]]
--
-- --plan tells how long it takes. Interrupted, the same command goes on where it was.
-- SPDX-License-Identifier: GPL-3.0-or-later

local netaug = require "netaug"

local sweep = netaug.sweep {
  base = netaug.experiment {
    name    = "ratio",
    model   = netaug.models.tiny { classes = 10 },
    data    = netaug.dataset("fashion-mnist", { batch = 128, crop = 2, flip = true }),
    augment = false,
    train   = { epochs = tonumber(arg[1]) or 8, warmup = 0, lr = 0.05 },
  },
  grid  = { ["augment.r"] = { 1, 1.5, 2, 3 } },
  seeds = tonumber(arg[2]) or 3,
}

local results = sweep:run()
print(results)
print(results:verdict { control = "r=1" })
