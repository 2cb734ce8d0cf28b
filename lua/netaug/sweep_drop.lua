-- Arms that are hopeless are dropped early, on request: by a paired test against the best arm.
-- SPDX-License-Identifier: GPL-3.0-or-later

local core = require "netaug.core"
local queue = require "netaug.sweep_queue"
local text = require "netaug.sweep_text"

local drop = {}

local options = { "after", "p", "keep" }

-- true, or { after = 3, p = 0.05, keep = { "plain" } }: arms in keep are never dropped.
function drop.new(given)
  if not given then return end
  if given == true then given = {} end
  core.check_keys("sweep.drop", "option", given, options)
  local made = { after = given.after or 3, p = given.p or 0.05, keep = {} }
  if math.type(made.after) ~= "integer" or made.after < 2 then
    core.fail("sweep.drop.after takes a whole number of at least 2, but got " ..
      core.describe(made.after))
  end
  if type(made.p) ~= "number" or made.p <= 0 or made.p >= 1 then
    core.fail("sweep.drop.p takes a number between 0 and 1, but got " .. core.describe(made.p))
  end
  if given.keep ~= nil and type(given.keep) ~= "table" then
    core.fail("sweep.drop.keep takes a list of arms' names, but got " .. core.describe(given.keep))
  end
  for _, name in ipairs(given.keep or {}) do made.keep[name] = true end
  return made
end

-- Accuracy by seed of an arm's finished runs.
local function by_seed(sweep, arm)
  local found, list = {}, {}
  for _, entry in ipairs(queue.of(sweep, arm.name, "seed", "done")) do
    if not entry.steered then
      found[entry.seed] = entry.base.top1
      list[#list + 1] = entry.base.top1
    end
  end
  return found, text.spread(list)
end

-- How the arm does against the best on the seeds that both have: nil, or words why it is hopeless.
local function hopeless(rule, best, arm)
  local differences = {}
  for seed, top1 in pairs(arm.values) do
    if best.values[seed] then differences[#differences + 1] = best.values[seed] - top1 end
  end
  if #differences < rule.after then return end
  local test = core.t_test(differences)
  local p = test.mean > 0 and test.p / 2 or 1
  if not (p < rule.p) then return end
  return ("after %d seeds %.2f points behind %s (paired t, one-sided p = %.2g)"):format(
    #differences, 100 * test.mean, best.arm.name, p)
end

function drop.arm(sweep, arm, why)
  arm.dropped = why
  for _, entry in ipairs(sweep.queue) do
    local open = entry.status == "waiting" or entry.status == "stopped"
    if entry.arm == arm.name and open then entry.status = "dropped" end
  end
end

-- Drops what has become hopeless; returns a line for each.
function drop.update(sweep)
  local rule, standing, best, lines = sweep.drop_rule, {}, nil, {}
  if not rule then return lines end
  for _, arm in ipairs(sweep.arms) do
    local values, mean = by_seed(sweep, arm)
    local one = { arm = arm, values = values, mean = mean }
    if not arm.dropped and mean == mean then
      standing[#standing + 1] = one
      if not best or mean > best.mean then best = one end
    end
  end
  for _, one in ipairs(standing) do
    local why = one ~= best and not rule.keep[one.arm.name] and hopeless(rule, best, one)
    if why then
      drop.arm(sweep, one.arm, why)
      lines[#lines + 1] = ("%s is dropped: %s"):format(one.arm.name, why)
    end
  end
  return lines
end

return drop
