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
local strict = require "netaug.strict"
local text = require "netaug.sweep_text"
local tune = require "netaug.sweep_tune"

local results = {}

local meta = { __name = "netaug.sweep_results", __tostring = text.results }

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

local verdict_options = { "control", "metric", "test", "alpha", "power" }

-- What arms can be compared by. Shares are told in points.
local metrics = {
  top1 = { get = function(run) return 100 * run.base.top1 end, unit = "points", digits = 2 },
  top5 = { get = function(run) return 100 * run.base.top5 end, unit = "points", digits = 2 },
  best = { get = function(run) return 100 * run.best.top1 end, unit = "points", digits = 2 },
  loss = { get = function(run) return run.base.loss end, unit = "", digits = 4, lower = true },
}

local function sample(arm, metric)
  local made = { name = arm.name, values = {}, seeds = {} }
  for _, run in ipairs(arm.runs) do
    local value = counts(run) and metric.get(run)
    if value and value == value then
      made.values[#made.values + 1], made.seeds[#made.seeds + 1] = value, run.seed
    end
  end
  return made
end

local function index_of(self, name)
  if name == nil then return end
  self:arm(name)
  for i, arm in ipairs(self.arms) do
    if arm.name == name then return i end
  end
end

-- A line for what takes no part.
local function left_out(self)
  local lines = {}
  for _, arm in ipairs(self.arms) do
    local steered, failed = 0, 0
    for _, run in ipairs(arm.runs) do
      steered = steered + (run.status == "done" and run.steered and 1 or 0)
      failed = failed + (run.status == "failed" and 1 or 0)
    end
    if steered > 0 then lines[#lines + 1] = ("%s: %d steered left out"):format(arm.name, steered) end
    if failed > 0 then lines[#lines + 1] = ("%s: %d failed left out"):format(arm.name, failed) end
  end
  return lines
end

local verdict_meta = { __name = "netaug.verdicts", __tostring = function(self)
  local lines = {}
  for i, verdict in ipairs(self) do lines[i] = verdict.text end
  for _, line in ipairs(self.left_out) do lines[#lines + 1] = line end
  return #lines > 0 and table.concat(lines, "\n") or "there is one arm: nothing to compare"
end }

-- results:verdict { control = "plain", metric = "top1", test = "t", alpha = 0.05, power = 0.8 }
function meta.verdict(self, options)
  options = options or {}
  core.check_keys("results:verdict", "option", options, verdict_options)
  local name, arms = options.metric or "top1", {}
  core.check_keys("results:verdict", "metric", { [name] = true }, { "top1", "top5", "best", "loss" })
  local metric = metrics[name]
  for i, arm in ipairs(self.arms) do arms[i] = sample(arm, metric) end
  local made = core.verdicts(arms, { unit = metric.unit, digits = metric.digits, lower = metric.lower,
    test = options.test, alpha = options.alpha, power = options.power }, index_of(self, options.control))
  made.left_out = left_out(self)
  return setmetatable(made, verdict_meta)
end

local methods = {
  verdict = core.register("sweep_results:verdict",
    "([{ control =, metric = \"top1\", test = \"t\", alpha = 0.05, power = 0.8 }])",
    "every two arms compared, or each with a control, over the seeds that both have, with Holm's " ..
    "correction: a list of { a, b, outcome, difference, low, high, p, holm, d, pairs, needed, text }",
    meta.verdict),
  arm = core.register("sweep_results:arm", "(name)", "one arm with its runs and means", meta.arm) }
core.define("netaug.sweep_results", methods)
meta.__index = strict("a sweep's results", methods, {})

return results
