-- Fair arms: each is tuned over the same grid, on images that are neither trained on nor reported on.
-- SPDX-License-Identifier: GPL-3.0-or-later

local arms = require "netaug.sweep_arms"
local core = require "netaug.core"
local queue = require "netaug.sweep_queue"
local text = require "netaug.sweep_text"

local tune = {}

local options = { "seeds", "first_seed", "holdout", "epochs" }
local defaults = { seeds = 1, first_seed = 1000, holdout = 0.1 }

local function check_whole(name, value, least)
  if math.type(value) ~= "integer" or value < least then
    core.fail(("sweep.tune.%s takes a whole number of at least %d, but got %s"):format(name, least,
      core.describe(value)))
  end
end

local function check(made)
  check_whole("seeds", made.seeds, 1)
  check_whole("first_seed", made.first_seed, 0)
  if made.epochs then check_whole("epochs", made.epochs, 1) end
  if type(made.holdout) ~= "number" or made.holdout <= 0 or made.holdout > 0.9 then
    core.fail("sweep.tune.holdout takes a share above 0, up to 0.9, but got " ..
      core.describe(made.holdout))
  end
end

-- { ["train.lr"] = { 0.05, 0.1 }, seeds = 1, holdout = 0.1 } -> { trials =, seeds =, ... }
function tune.new(given)
  if given == nil then return end
  if type(given) ~= "table" then
    core.fail("sweep.tune takes settings with lists of values, but got " .. core.describe(given))
  end
  local grid, named, words = {}, {}, {}
  for key, value in pairs(given) do
    if type(key) == "string" and key:find(".", 1, true) then grid[key] = value
    else named[key] = value end
  end
  core.check_keys("sweep.tune", "option", named, options)
  local made = { trials = arms.combinations("sweep.tune", grid), grid = grid }
  for _, name in ipairs(options) do made[name] = named[name] or defaults[name] end
  check(made)
  for _, path in ipairs(arms.sorted_paths(grid)) do
    words[#words + 1] = path .. " over " .. arms.value_text(grid[path])
  end
  made.words = table.concat(words, "; ")
  return made
end

-- The trials of an arm as { trial =, top1 = mean of its seeds, loss = }; those that failed left out.
local function judged(sweep, arm)
  local by_label, list = {}, {}
  for _, entry in ipairs(queue.of(sweep, arm.name, "tune", "done")) do
    local label = arms.label(entry.trial)
    if not by_label[label] then
      by_label[label] = { trial = entry.trial, top1s = {}, losses = {} }
      list[#list + 1] = by_label[label]
    end
    local trial = by_label[label]
    trial.top1s[#trial.top1s + 1] = entry.base.top1
    trial.losses[#trial.losses + 1] = entry.base.loss
  end
  for _, trial in ipairs(list) do
    trial.top1, trial.loss = text.spread(trial.top1s), text.spread(trial.losses)
  end
  return list
end

-- Higher accuracy is better, at equal accuracy lower loss.
local function better(a, b) return a.top1 > b.top1 or a.top1 == b.top1 and a.loss < b.loss end

-- A best value at the end of its list says that the list is too short.
local function edge_warnings(sweep, arm)
  local found = {}
  for path, values in pairs(sweep.tune.grid) do
    local chosen = arm.tuned[path]
    local at_end = chosen == values[1] or chosen == values[#values]
    if #values > 2 and at_end and math.type(chosen) then
      found[#found + 1] = ("%s: the best %s, %s, is the %s of its list: a longer list may have a "
        .. "better one"):format(arm.name, path, arms.value_text(chosen),
        chosen == values[1] and "first" or "last")
    end
  end
  table.sort(found)
  return found
end

-- Sets arm.tuned where all its trials have come to their end. true: it did now.
function tune.settle(sweep, arm)
  if not sweep.tune or arm.tuned then return false end
  local open = queue.select(sweep, function(entry)
    return entry.arm == arm.name and entry.kind == "tune" and
      (entry.status == "waiting" or entry.status == "running" or entry.status == "stopped")
  end)
  if #open > 0 then return false end
  local best
  for _, trial in ipairs(judged(sweep, arm)) do
    if not best or better(trial, best) then best = trial end
  end
  if not best then
    for _, entry in ipairs(queue.of(sweep, arm.name, "seed", "waiting")) do
      entry.status, entry.error = "failed", "none of the arm's trials came to its end"
    end
    return false
  end
  arm.tuned, arm.tuned_top1 = best.trial, best.top1
  return true
end

function tune.warnings(sweep)
  local found = {}
  for _, arm in ipairs(sweep.arms) do
    if sweep.tune and arm.tuned then
      for _, warning in ipairs(edge_warnings(sweep, arm)) do found[#found + 1] = warning end
    end
  end
  return found
end

return tune
