-- What helps a large network against over-fitting makes a tiny one worse (the paper's first
-- observation): dropout, DropBlock, mixup, AutoAugment or RandAugment, on a tiny and on a large network.
--
--   netaug run scripts/paper/regularisers.lua -- IMAGENET
--   netaug run scripts/paper/regularisers.lua -- --scale small CIFAR10
--
-- --only tiny or --only large does one of them. Options: see paper.lua.
-- SPDX-License-Identifier: GPL-3.0-or-later

local folder = arg[0]:match("^.*/") or "./"
local paper = dofile(folder .. "paper.lua")

local o = paper.arguments "netaug run scripts/paper/regularisers.lua -- [--scale small] FOLDER"
local policy = o.small and "autoaugment-cifar10" or "autoaugment-imagenet"

local function compare(part, net)
  if not paper.wanted(o, part, { "tiny", "large" }) then return end
  paper.compare(("regularisers on the %s network %s"):format(part, net.name), {
    base = paper.experiment(o, "regularise", net, o[1]), seeds = o.seeds,
    list = {
      { name = "none" },
      { name = "dropout", ["train.dropout"] = 0.1 },
      { name = "dropblock", ["train.dropblock"] = 0.1, ["train.dropblock_size"] = o.small and 3 or 7 },
      { name = "mixup", ["data.mixup"] = 0.2 },
      { name = "autoaugment", ["data.policy"] = policy },
      { name = "randaugment", ["data.policy"] = "randaugment" },
      paper.arm(o, "netaug", net),
    },
  })
end

compare("tiny", paper.tiny(o))
compare("large", paper.large(o))
