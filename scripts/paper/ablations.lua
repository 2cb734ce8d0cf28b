-- What of NetAug matters (the paper's ablations): the augmentation factor r, the diversity factor s, the
-- weight alpha of the augmented loss, sub-networks per step; and the parts of the method: channel sort,
-- momentum that moves with it, re-estimation, when to stop augmenting.
--
--   netaug run scripts/paper/ablations.lua -- IMAGENET
--   netaug run scripts/paper/ablations.lua -- --scale small --only r CIFAR10
--
-- --only r, s, alpha, networks, sort, statistics or stop does one of them. Options: see paper.lua.
-- SPDX-License-Identifier: GPL-3.0-or-later

local folder = arg[0]:match("^.*/") or "./"
local paper = dofile(folder .. "paper.lua")

local o = paper.arguments "netaug run scripts/paper/ablations.lua -- [--scale small] [--only PART] FOLDER"
local net = paper.tiny(o)
local total = paper.train(o).epochs + paper.train(o).warmup
local half = total // 2

-- Name of the part, what it asks, its arms, the arm that the others are compared with.
local parts = {
  { "r", "the augmentation factor r", { grid = { ["augment.r"] = { 1, 1.5, 2, 3, 4 } } }, "r=1" },
  { "s", "the diversity factor s", { grid = { ["augment.s"] = { 0, 1, 2, 3 } } }, "s=0" },
  { "alpha", "the weight of the augmented loss", { grid = { ["train.alpha"] = { 0, 0.5, 1, 2 } } },
    "alpha=0" },
  { "networks", "sub-networks drawn per step", { grid = { ["train.networks"] = { 1, 2, 4 } } },
    "networks=1" },
  { "sort", "channel sort, and momentum that moves with it", { list = {
    { name = "sorted" },
    { name = "sorted, momentum stays", ["train.sort_momentum"] = false },
    { name = "unsorted", ["train.sort"] = false },
  } } },
  { "statistics", "re-estimated statistics of BatchNorm", { list = {
    { name = "re-estimated" },
    { name = "as trained", ["train.calibrate"] = 0 },
  } } },
  { "stop", "when to stop augmenting", { list = {
    { name = "as the recipe" },
    { name = "random to the end", ["train.min_w_epochs"] = 0 },
    { name = "off in the last half", ["train.min_w_epochs"] = 0, ["train.off_epochs"] = half },
    { name = "min_e in the last half", ["train.min_w_epochs"] = 0, ["train.min_e_epochs"] = half },
  } } },
}

local names = {}
for i, part in ipairs(parts) do names[i] = part[1] end

for _, part in ipairs(parts) do
  local name, question, fields, control = table.unpack(part)
  if paper.wanted(o, name, names) then
    fields.base = paper.experiment(o, "ablate-" .. name, net, o[1],
      { augment = { r = o.small and 2 or 3, s = 2 } })
    fields.seeds = o.seeds
    paper.compare(("%s: %s"):format(net.name, question), fields, control)
  end
end
