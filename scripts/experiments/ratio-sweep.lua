-- How much wider should the supernet be? The paper's ablation of the augmentation factor r, as a
-- plain loop: each run waits for the one before it.
--
--   netaug run scripts/experiments/ratio-sweep.lua [EPOCHS [SEEDS]]
--
-- SPDX-License-Identifier: GPL-3.0-or-later

local netaug = require "netaug"

local data = netaug.dataset("fashion-mnist", { batch = 128, crop = 2, flip = true })
local epochs, seeds = tonumber(arg[1]) or 8, tonumber(arg[2]) or 3

local exp = netaug.experiment {
  name    = "ratio",
  model   = netaug.models.tiny { classes = 10 },
  data    = data,
  augment = false,
  train   = { epochs = epochs, warmup = 0, lr = 0.05 },
}

local function mean_and_spread(values)
  local sum, squares = 0, 0
  for _, value in ipairs(values) do sum = sum + value end
  local mean = sum / #values
  for _, value in ipairs(values) do squares = squares + (value - mean) ^ 2 end
  return mean, #values > 1 and math.sqrt(squares / (#values - 1)) or 0
end

for _, r in ipairs { 1, 1.5, 2, 3 } do
  local accuracies = {}
  exp.augment.r = r
  for seed = 1, seeds do
    exp.train.seed = seed
    exp.name = ("ratio-%g-seed-%d"):format(r, seed)
    accuracies[seed] = 100 * exp:run().base.top1
  end
  local mean, spread = mean_and_spread(accuracies)
  print(("r = %-4g top-1 %.2f%% +- %.2f over %d seeds"):format(r, mean, spread, seeds))
end
