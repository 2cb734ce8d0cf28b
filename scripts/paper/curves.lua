-- Learning curves: training and validation accuracy of a tiny and of a large network, each without and with
-- NetAug. A tiny network's two curves lie close (it under-fits), and NetAug raises both; a large one's part,
-- and NetAug does not help.
--
--   netaug run scripts/paper/curves.lua -- IMAGENET
--   netaug run scripts/paper/curves.lua -- --scale small CIFAR10
--
-- Options: see paper.lua.
-- SPDX-License-Identifier: GPL-3.0-or-later

local folder = arg[0]:match("^.*/") or "./"
local paper = dofile(folder .. "paper.lua")

local o = paper.arguments("netaug run scripts/paper/curves.lua -- [--scale small] FOLDER", 1)

-- Mean over seeds of a number of every epoch.
local function mean_at(arm, epoch, value)
  local sum, count = 0, 0
  for _, run in ipairs(arm.runs) do
    local e = run.history and run.history[epoch]
    if e then sum, count = sum + value(e), count + 1 end
  end
  return count > 0 and sum / count or 0 / 0
end

local function print_curves(title, results, epochs)
  print(("\n%s: top-1, %%\n"):format(title))
  local head = "  epoch"
  for _, arm in ipairs(results.arms) do head = head .. ("%18s%12s"):format(arm.name .. " train", "val") end
  print(head)
  for epoch = 1, epochs do
    local line = ("  %5d"):format(epoch)
    for _, arm in ipairs(results.arms) do
      line = line .. ("%18.2f%12.2f"):format(100 * mean_at(arm, epoch, function(e) return e.base.top1 end),
        100 * mean_at(arm, epoch, function(e) return e.base_val.top1 end))
    end
    print(line)
  end
  local folders = {}
  for _, arm in ipairs(results.arms) do folders[#folders + 1] = arm.runs[1] and arm.runs[1].folder end
  print(("\nas a figure: netaug export %s curves.svg"):format(table.concat(folders, " ")))
end

for _, part in ipairs { "tiny", "large" } do
  if paper.wanted(o, part, { "tiny", "large" }) then
    local net = paper[part](o)
    local exp = paper.experiment(o, "curves", net, o[1])
    local title = ("curves of the %s network %s"):format(part, net.name)
    local results = paper.compare(title, { base = exp, seeds = o.seeds,
      list = { { name = "plain" }, paper.arm(o, "netaug", net) } })
    if results then print_curves(title, results, exp.train.epochs + exp.train.warmup) end
  end
end
