-- Does bf16 cost accuracy? The same seeds in both precisions, with NetAug.
--
--   netaug run scripts/experiments/precision.lua PATH [EPOCHS [SEEDS]]
--
-- PATH as for cifar10.lua. --plan tells how long it takes. Interrupted, the same command goes on where it was.
-- SPDX-License-Identifier: GPL-3.0-or-later

local netaug = require "netaug"

local path = arg[1] or error("give the path of CIFAR-10 as an argument", 0)

local sweep = netaug.sweep {
  base = netaug.experiment {
    name    = "precision",
    model   = netaug.models.tiny { classes = 10 },
    data    = netaug.dataset(path, { batch = 128, crop = 4, flip = true }),
    augment = { r = 2, s = 2 },
    train   = { epochs = tonumber(arg[2]) or 10, warmup = 1, lr = 0.1 },
  },
  grid  = { ["train.precision"] = { "float32", "bf16" } },
  seeds = tonumber(arg[3]) or 5,
}

local results = sweep:run()
print(results)
print(results:verdict { control = "precision=float32" })
