-- What came out of a sweep.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
--   results.arms = { { name =, settings =, tuned =, dropped =, runs = { run, ... },
--                      n =, top1 =, sd =, loss =, train_top1 =, fit =, seconds =, params =, macs = }, ... }
--   run = { seed =, folder =, status = "done", steered =, base = { loss, top1, top5, images },
--           augmented =, best =, seconds =, params =, macs =, train_top1 =, history = }
--
-- Means are over runs that are done and were not steered; accuracies are shares of 1.

local arms = require "netaug.sweep_arms"
local core = require "netaug.core"
local fit = require "netaug.fit"
local queue = require "netaug.sweep_queue"
local store = require "netaug.sweep_store"
local text = require "netaug.sweep_text"
local tune = require "netaug.sweep_tune"

local results = {}

local meta = { __name = "netaug.sweep_results", __tostring = text.results }
meta.__index = meta

local function counts(run) return run.status == "done" and not run.steered end

local function mean_of(runs, get)
  local values = {}
  for _, run in ipairs(runs) do
    local value = counts(run) and get(run)
    if value and value == value then values[#values + 1] = value end
  end
  local mean, sd = text.spread(values)
  return mean, sd, #values
end

-- What most of the runs do: "under-fitting", "over-fitting", "in between"; nil when none was validated.
local function fit_of(runs)
  local votes, most = {}, nil
  for _, run in ipairs(runs) do
    local verdict = counts(run) and fit.judge(run.history)
    if verdict then
      votes[verdict.state] = (votes[verdict.state] or 0) + 1
      if not most or votes[verdict.state] > votes[most] then most = verdict.state end
    end
  end
  return most
end

local function new_arm(sweep, arm)
  local made = { name = arm.name, settings = arm.settings, tuned = arm.tuned, epochs = arm.epochs,
                 dropped = arm.dropped, runs = {} }
  for _, entry in ipairs(queue.of(sweep, arm.name, "seed")) do
    local run = store.run(sweep, entry)
    run.history = entry.history
    made.runs[#made.runs + 1] = run
  end
  table.sort(made.runs, function(a, b) return a.seed < b.seed end)
  made.top1, made.sd, made.n = mean_of(made.runs, function(run) return run.base.top1 end)
  made.loss = mean_of(made.runs, function(run) return run.base.loss end)
  made.train_top1 = mean_of(made.runs, function(run) return run.train_top1 end)
  made.seconds = mean_of(made.runs, function(run) return run.seconds end)
  if arm.cost then
    made.params, made.macs, made.train_macs = arm.cost.params, arm.cost.macs, arm.cost.train_macs
  end
  made.fit = fit_of(made.runs)
  if made.n == 0 then made.seconds = nil end
  return made
end

function results.new(sweep)
  local made = { name = sweep.name, folder = sweep.folder, arms = {}, count = #sweep.queue,
                 warnings = tune.warnings(sweep), done = 0 }
  for _, entry in ipairs(sweep.queue) do
    if entry.status == "done" then made.done = made.done + 1 end
  end
  for i, arm in ipairs(sweep.arms) do
    made.arms[i] = new_arm(sweep, arm)
    if made.arms[i].fit == "over-fitting" then
      made.warnings[#made.warnings + 1] = arm.name ..
        ": it over-fits, and NetAug is for networks that under-fit (netaug.fit tells more)"
    end
  end
  return setmetatable(made, meta)
end

-- results:arm("r=3")
function meta.arm(self, name)
  local names = {}
  for i, arm in ipairs(self.arms) do
    if arm.name == name then return arm end
    names[i] = arm.name
  end
  core.check_keys("the sweep", "arm", { [tostring(name)] = true }, names)
end

core.define("netaug.sweep_results", {
  arm = core.register("sweep_results:arm", "(name)", "one arm with its runs and means", meta.arm) })

return results
