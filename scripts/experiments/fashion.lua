-- Does NetAug help a network of 13,000 parameters on Fashion-MNIST? The same training twice, with
-- and without; the data are those of Debian's package dataset-fashion-mnist.
--
--   netaug run scripts/experiments/fashion.lua [EPOCHS]
--
-- SPDX-License-Identifier: GPL-3.0-or-later

local netaug = require "netaug"

local data = netaug.dataset("fashion-mnist", { batch = 128, crop = 2, flip = true })
local epochs = tonumber(arg[1]) or 20

local function arm(name, augment)
  return netaug.experiment {
    name    = name,
    model   = netaug.models.tiny { classes = 10 },
    data    = data,
    augment = augment,
    train   = { epochs = epochs, warmup = 0, lr = 0.05, seed = 1 },
  }
end

local lists = { width = { 1, 2, 3 }, expand = { 1, 1.6, 2.2, 2.8 } }
local plain, augmented = arm("fashion-plain", false):run(), arm("fashion-netaug", lists):run()

-- Accuracies are shares of 1. One seed is an anecdote: repeat with others before you believe it.
print(("%-8s %8s %8s %8s"):format("", "top-1", "loss", "seconds"))
for _, row in ipairs { { "plain", plain }, { "netaug", augmented } } do
  local name, result = row[1], row[2]
  print(("%-8s %7.2f%% %8.4f %8.0f"):format(name, 100 * result.base.top1, result.base.loss,
    result.seconds))
end
print(("netaug - plain: %+.2f points"):format(100 * (augmented.base.top1 - plain.base.top1)))
