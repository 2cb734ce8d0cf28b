-- NetAug against plain training, for each of the paper's tiny networks and for a large one, which gains
-- nothing: it over-fits where a tiny network under-fits.
--
--   netaug run scripts/paper/gain.lua -- IMAGENET
--   netaug run scripts/paper/gain.lua -- --scale small CIFAR10
--
-- Both arms' learning rates are tuned over one grid on held-out training images: NetAug adds a second
-- gradient, and an untuned baseline would flatter it. Options: see paper.lua.
-- SPDX-License-Identifier: GPL-3.0-or-later

local folder = arg[0]:match("^.*/") or "./"
local paper = dofile(folder .. "paper.lua")

local o = paper.arguments "netaug run scripts/paper/gain.lua -- [--scale small] [--net NAME] FOLDER"

local function compare(net)
  local exp = paper.experiment(o, "gain", net, o[1])
  local lr = exp.train.lr
  paper.compare(("%s, without and with NetAug"):format(net.name), {
    base = exp, seeds = o.seeds,
    list = { { name = "plain" }, paper.arm(o, "netaug", net) },
    tune = { ["train.lr"] = { lr / 2, lr, lr * 2 }, 
      epochs = o.small and math.max(1, exp.train.epochs // 3) or nil },
  })
end

for _, net in ipairs(paper.networks(o)) do compare(net) end
if not o.net then compare(paper.large(o)) end
