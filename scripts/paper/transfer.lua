-- Transfer: fine-tuning, with a new classifier, from weights that were pretrained without and with NetAug,
-- and from none.
--
--   netaug run scripts/paper/transfer.lua -- IMAGENET FLOWERS102 [CARS ...]
--   netaug run scripts/paper/transfer.lua -- --scale small IMAGENETTE FLOWERS
--
-- The first folder is pretrained on, every other fine-tuned on. Options: see paper.lua.
-- SPDX-License-Identifier: GPL-3.0-or-later

local netaug = require "netaug"
local folder = arg[0]:match("^.*/") or "./"
local paper = dofile(folder .. "paper.lua")

local usage = "netaug run scripts/paper/transfer.lua -- [--scale small] FOLDER FOLDER..."
local o = paper.arguments(usage)
if #o < 2 then error("give a folder to pretrain on, and one to fine-tune on\nusage: " .. usage, 0) end

-- Photographs are larger than CIFAR's; a small network sees them at 64 pixels.
local net = paper.tiny(o)
if o.small then
  net.size = 64
  net.model = netaug.models[net.name] { resolution = 64, width_mult = 0.5, stem_stride = 2 }
end

-- Dropout before the classifier in the authors' fine-tuning on Flowers102; others are near.
local dropout = { mobilenetv2_tiny = 0, mobilenetv2 = 0.3, mobilenetv3 = 0.6, proxylessnas = 0.2,
                  mcunet = 0.4, mobilenetv2_small = 0.1, mobilenetv3_small = 0.1 }

local function pretrain(name, augment)
  local fields = { train = paper.train(o, o.small and { epochs = 40 } or nil), augment = augment }
  local exp = paper.experiment(o, "pretrain-" .. name, net, o[1], fields)
  return paper.checkpoint(("pretraining %s, %s"):format(net.name, name), exp)
end

local plain = pretrain("plain", false)
local augmented = pretrain("netaug", paper.candidates(o, net))
if not plain or not augmented then
  print "\n(The plans of fine-tuning need the pretrained weights: run without --plan.)"
  return
end

for i = 2, #o do
  local exp = paper.experiment(o, ("transfer%d"):format(i - 1), net, o[i], {
    data = paper.data(o[i], net, { batch = 64 }),
    train = paper.train(o, { epochs = o.small and 30 or 50, warmup = 0, lr = o.small and 0.03 or 0.08,
      dropout = dropout[net.name] }),
  })
  paper.compare(("%s fine-tuned on %s"):format(net.name, o[i]:match("[^/]*/?$")), {
    base = exp, seeds = o.seeds,
    list = {
      { name = "from plain", ["train.init_from"] = plain },
      { name = "from netaug", ["train.init_from"] = augmented },
      paper.arm(o, "from netaug, with netaug", net, { ["train.init_from"] = augmented }),
      { name = "from netaug, frozen", ["train.init_from"] = augmented, ["train.freeze"] = "backbone" },
      { name = "from nothing" },
    },
  })
end
