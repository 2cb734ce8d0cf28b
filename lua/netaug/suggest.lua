-- How wide, and in how many steps? r and s from a short sweep on held-out training images.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Of all that lie within one standard error of the best the cheapest is suggested (the rule of
-- Breiman et al. 1984, "Classification and regression trees", section 3.4.3): a short sweep cannot
-- tell them apart, and a wide supernet costs time.

local core = require "netaug.core"
local sweep = require "netaug.sweep"

local options = { "r", "s", "epochs", "seeds", "holdout" }

local function check_list(name, list, least)
  for _, value in ipairs(type(list) == "table" and list or {}) do
    if type(value) ~= "number" or value < least then list = nil break end
  end
  if type(list) ~= "table" or #list == 0 then
    core.fail(("exp:suggest takes a list of numbers from %g as %s"):format(least, name),
      "as in exp:suggest { r = { 1.5, 2, 3 }, s = { 1, 2 } }")
  end
  return list
end

local function read_options(exp, given)
  given = given or {}
  core.check_keys("exp:suggest", "option", given, options)
  return { r = check_list("r", given.r or { 1.5, 2, 3 }, 1), s = check_list("s", given.s or { 1, 2 }, 1),
           epochs = given.epochs or math.max(2, math.ceil(exp.train.epochs / 4)),
           seeds = given.seeds or 2, holdout = given.holdout or 0.1 }
end

-- Without NetAug, and every r with every s.
local function new_arms(o)
  local list = { { name = "plain", augment = false } }
  for _, r in ipairs(o.r) do
    for _, s in ipairs(r > 1 and o.s or {}) do
      list[#list + 1] = { name = ("r=%g s=%d"):format(r, s), augment = { r = r, s = s } }
    end
  end
  return list
end

local function new_sweep(exp, o)
  local base = exp:copy(exp.name .. "-suggest")
  base.train.epochs = o.epochs
  base.train.warmup = math.min(base.train.warmup, o.epochs // 4)
  base.data = exp.data:with { validation = "holdout", holdout = o.holdout }
  return sweep.new { base = base, list = new_arms(o), seeds = o.seeds }
end

local function choose(results)
  local best, chosen
  for _, arm in ipairs(results.arms) do
    if arm.n > 0 and (not best or arm.top1 > best.top1) then best = arm end
  end
  if not best then core.fail("no run of the sweep came to its end") end
  local margin = best.n > 1 and best.sd / math.sqrt(best.n) or 0
  for _, arm in ipairs(results.arms) do
    local close = arm.n > 0 and arm.top1 >= best.top1 - margin
    if close and (not chosen or arm.train_macs < chosen.train_macs) then chosen = arm end
  end
  return chosen, best
end

local meta = { __name = "netaug.suggestion" }

function meta:__tostring()
  local words
  if not self.r then
    words = "suggested: without NetAug, which gained nothing in so short a training"
  else
    words = ("suggested: augment = { r = %g, s = %d }"):format(self.r, self.s)
  end
  if self.best ~= self.arm then
    words = words .. (" (%s was best, but within one standard error)"):format(self.best)
  end
  return tostring(self.results) .. "\n" .. words
end

local function suggest(exp, given)
  local results = new_sweep(exp, read_options(exp, given)):run()
  local chosen, best = choose(results)
  return setmetatable({ r = chosen.settings["augment.r"], s = chosen.settings["augment.s"],
                        arm = chosen.name, best = best.name, results = results }, meta)
end

core.methods("netaug.experiment").suggest = core.register("experiment:suggest",
  "([{ r = { 1.5, 2, 3 }, s = { 1, 2 }, epochs =, seeds = 2, holdout = 0.1 }])",
  "compares augmentation factors r and diversities s in short runs on held-out training images; " ..
  "returns { r, s, results }", suggest)
