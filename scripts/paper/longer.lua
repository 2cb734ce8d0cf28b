-- Is it only more training? Plain training of one, two and four times the epochs against NetAug of one,
-- and plain training with as much compute as NetAug.
--
--   netaug run scripts/paper/longer.lua -- IMAGENET
--   netaug run scripts/paper/longer.lua -- --scale small CIFAR10
--
-- Options: see paper.lua.
-- SPDX-License-Identifier: GPL-3.0-or-later

local folder = arg[0]:match("^.*/") or "./"
local paper = dofile(folder .. "paper.lua")

local o = paper.arguments "netaug run scripts/paper/longer.lua -- [--scale small] FOLDER"
local net = paper.tiny(o)
local exp = paper.experiment(o, "longer", net, o[1])
local epochs = exp.train.epochs

paper.compare(("%s: longer training against NetAug"):format(net.name), {
  base = exp, seeds = o.seeds,
  list = {
    { name = "plain x1" },
    { name = "plain x2", ["train.epochs"] = 2 * epochs },
    { name = "plain x4", ["train.epochs"] = 4 * epochs },
    paper.arm(o, "netaug x1", net),
    paper.arm(o, "netaug x2", net, { ["train.epochs"] = 2 * epochs }),
  },
}, "netaug x1")

-- The same two arms, plain training given as many multiply-adds as NetAug.
paper.compare(("%s: plain training with NetAug's compute"):format(net.name), {
  base = paper.experiment(o, "compute", net, o[1]), seeds = o.seeds, equal = "compute",
  list = { { name = "plain" }, paper.arm(o, "netaug", net) },
})
