-- Trains one tiny network on Fashion-MNIST twice, without and with Network Augmentation, from the same
-- seeds, and reports what came out, whichever way it fell. At most five minutes on two cores.
-- SPDX-License-Identifier: GPL-3.0-or-later

local netaug = require "netaug"

local model = netaug.models.tiny { classes = 10, resolution = 28, channels = 1 }
local data = netaug.dataset("fashion-mnist", { batch = 128, augment = "crop", crop = 2, flip = true })

-- The two arms differ in `augment` alone; false is plain training, nil the model's own recipe.
local function experiment(name, augment)
  return netaug.experiment {
    name = name, model = model, data = data, augment = augment,
    train = { epochs = 7, warmup = 1, lr = 0.1, calibrate = 4000, seed = 1 },
  }
end

print "without NetAug"
local plain = experiment("fashion-plain", false):run()
print "\nwith NetAug"
local netaugmented = experiment("fashion-netaug", nil):run()

-- What is kept at the end costs the same in both arms: the base network.
local cost = netaug.build(model, false):cost "base"
local kept = netaug.build(model):cost "base"

local function duration(seconds)
  return ("%d:%02d"):format(seconds // 60, math.floor(seconds % 60))
end

local function speed(result)
  return ("%.0f"):format(result.history[#result.history].images_per_second)
end

local function row(name, a, b, difference)
  local line = ("  %-24s %14s %14s %12s"):format(name, a, b, difference or "")
  print((line:gsub(" +$", "")))
end

local function share(name, a, b)
  row(name, ("%.2f%%"):format(100 * a), ("%.2f%%"):format(100 * b), ("%+.2f"):format(100 * (b - a)))
end

local function count(name, a, b)
  row(name, ("%d"):format(a), ("%d"):format(b), a == b and "equal" or ("%+d"):format(b - a))
end

print(("\nFashion-MNIST, %d validation images, %d epochs each, seed 1:\n"):format(
  plain.base.images, #plain.history))
row("", "without NetAug", "with NetAug", "difference")
share("top-1 accuracy", plain.base.top1, netaugmented.base.top1)
share("top-5 accuracy", plain.base.top5, netaugmented.base.top5)
row("loss", ("%.4f"):format(plain.base.loss), ("%.4f"):format(netaugmented.base.loss),
  ("%+.4f"):format(netaugmented.base.loss - plain.base.loss))
count("parameters", cost.parameters, kept.parameters)
count("multiply-adds per image", cost.macs, kept.macs)
row("training time", duration(plain.seconds), duration(netaugmented.seconds),
  ("%.1f times"):format(netaugmented.seconds / plain.seconds))
row("images per second", speed(plain), speed(netaugmented))

local gain = 100 * (netaugmented.base.top1 - plain.base.top1)
local verdict = math.abs(gain) < 0.005 and "NetAug made no difference to top-1 accuracy here."
  or ("NetAug made this network %s here, by %.2f points."):format(gain > 0 and "better" or "worse",
    math.abs(gain))
print("\n" .. verdict .. "\nIt is one seed: repeat with others before believing a small difference.")

print(([[

The runs' files: %s/ and %s/
Try next:
  build/netaug eval %s/best.h5 --per-class
  build/netaug export %s/best.h5 tiny.h5
  scripts/demo --set train.seed=2
  scripts/demo --set train.epochs=30          longer training
  scripts/demo --set train.alpha=0.5          weigh the wider networks less]]):format(plain.run,
  netaugmented.run, netaugmented.run, netaugmented.run))
