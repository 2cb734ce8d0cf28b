-- Sweeps: one experiment under many settings, with the same seeds for each, so that differences can be
-- told from noise.
-- SPDX-License-Identifier: GPL-3.0-or-later

local arms = require "netaug.sweep_arms"
local core = require "netaug.core"
local cost = require "netaug.sweep_cost"
local drop = require "netaug.sweep_drop"
local queue = require "netaug.sweep_queue"
local results = require "netaug.sweep_results"
local run = require "netaug.sweep_run"
local store = require "netaug.sweep_store"
local strict = require "netaug.strict"
local text = require "netaug.sweep_text"
local tune = require "netaug.sweep_tune"

local sweep = {}

local meta = { __name = "netaug.sweep" }

local fields = { "base", "name", "grid", "list", "random", "seeds", "paired", "equal", "tune", "drop",
                 "on_failure", "retries", "verbose" }

sweep.fields = fields

function sweep.is(value) return type(value) == "table" and getmetatable(value) == meta end

local function check(self)
  if not sweep.is(self) then core.fail("call it with ':', as in sweep:plan()") end
  return self
end

-------------------------------------------------------------------------------------- making

local function one_of(name, value, words)
  core.check_keys("sweep." .. name, "value", { [tostring(value)] = true }, words)
  return value
end

local function read_seeds(given)
  local list = {}
  if math.type(given) == "integer" and given >= 1 and given <= 10000 then
    for seed = 1, given do list[seed] = seed end
    return list
  end
  for i, seed in ipairs(type(given) == "table" and given or {}) do
    if math.type(seed) ~= "integer" or seed < 0 then list = {} break end
    list[i] = seed
  end
  if #list == 0 then
    core.fail("sweep.seeds takes how many, or a list of whole numbers, but got " ..
      core.describe(given), "as in seeds = 5, or seeds = { 11, 12, 13 }")
  end
  return list
end

local function read_arms(given)
  local kinds, made = {}, nil
  for _, kind in ipairs { "grid", "list", "random" } do
    if given[kind] ~= nil then
      kinds[#kinds + 1] = kind
      made = arms["from_" .. kind](given[kind])
    end
  end
  if #kinds > 1 then
    core.fail(("a sweep has either %s"):format(table.concat(kinds, " or ")),
      "a list can name the combinations of a grid, too")
  end
  return made or { { name = "base", settings = {} } }
end

local function check_names(list)
  local seen = {}
  for _, arm in ipairs(list) do
    if type(arm.name) ~= "string" or arm.name == "" or #arm.name > 200 then
      core.fail("an arm's name takes some letters, but got " .. core.describe(arm.name))
    end
    if seen[arm.name] then
      core.fail(("two arms are called \"%s\""):format(arm.name), "give them a name = \"...\" each")
    end
    seen[arm.name] = true
  end
end

-- What the command line sets, no arm can vary.
local function check_overrides(self)
  local varied = {}
  for _, arm in ipairs(self.arms) do
    for path in pairs(arm.settings) do varied[path] = true end
  end
  for path in pairs(self.tune and self.tune.grid or {}) do varied[path] = true end
  for path in pairs(varied) do
    if core.override(path) then
      core.fail(("--set %s would be undone: the sweep varies it"):format(path),
        "leave it out, or change the sweep")
    end
  end
end

-- Every arm's settings are proved before the first run.
local function check_arms(self)
  for _, arm in ipairs(self.arms) do
    for _, trial in ipairs(self.tune and self.tune.trials or { {} }) do
      queue.arm_experiment(self, arm, trial)
    end
  end
end

-- netaug.sweep { base = exp, grid = {...}, seeds = 5 }
function sweep.new(given)
  core.check_keys("netaug.sweep", "field", given, fields)
  if core.class_of(given.base) ~= "netaug.experiment" then
    core.fail("sweep.base takes an experiment, but got " .. core.describe(given.base),
      "as in base = netaug.experiment { ... }")
  end
  local self = setmetatable({
    base = given.base, name = given.name or given.base.name, arms = read_arms(given),
    seeds = read_seeds(given.seeds or 1), more_seeds = {}, paired = given.paired ~= false,
    equal = one_of("equal", given.equal or "epochs", { "epochs", "compute" }),
    on_failure = one_of("on_failure", given.on_failure or "skip", { "stop", "skip", "retry" }),
    retries = given.retries or 1, tune = tune.new(given.tune), drop_rule = drop.new(given.drop),
    verbose = given.verbose ~= false, queue = {}, datasets = {}, held_out = {} }, meta)
  if math.type(self.retries) ~= "integer" or self.retries < 0 then
    core.fail("sweep.retries takes a whole number, but got " .. core.describe(given.retries))
  end
  given.base:copy(self.name) -- refuses what cannot be part of a folder's name
  check_names(self.arms)
  check_overrides(self)
  check_arms(self)
  self.folder = ("%s/%s.sweep"):format(core.runs(), self.name)
  store.load(self)
  return self
end

-------------------------------------------------------------------------------- plan and run

-- sweep:plan(): as text; measure = false times no steps.
function meta:plan(options)
  check(self)
  local going_on = run.present() ~= nil
  if not going_on then
    cost.update(self)
    run.refresh(self)
  end
  local measure = not options or options.measure ~= false
  for _, arm in ipairs(self.arms) do
    if measure and not going_on and not cost.seconds(self, arm) then cost.time_arm(self, arm) end
  end
  return text.plan(self)
end

function meta:run()
  check(self)
  if core.only_plan() then
    print(self:plan())
    os.exit(0)
  end
  -- The global `sweep` is the present one, unless the script uses that name for something else.
  if sweep.is(rawget(_G, "sweep") or self) then _G.sweep = self end
  run.run(self)
  return results.new(self)
end

function meta:results() return results.new(check(self)) end

function meta:verdict(options) return results.new(check(self)):verdict(options) end

------------------------------------------------------------------------------------- editing

local function saved(self)
  if run.present() == self then store.save(self) end
end

-- Of a sweep that does not go on, edits are kept from its next run on.
local function forget(self, entry)
  if entry.status == "running" then self.running_experiment:stop() end
  entry.status = "dropped"
end

-- sweep:add { name = "r4", ["augment.r"] = 4 }: an arm with all seeds.
function meta:add(given)
  check(self)
  local settings = arms.flatten("sweep:add", given)
  local label = arms.label(settings)
  local arm = { name = given.name or label, settings = settings, added = true }
  self.arms[#self.arms + 1] = arm
  local good, trouble = pcall(function()
    check_names(self.arms)
    check_arms(self)
  end)
  if not good then
    self.arms[#self.arms] = nil
    error(trouble, 0)
  end
  queue.fill(self)
  for seed in pairs(self.more_seeds) do queue.add_seed(self, seed) end
  if run.present() == self then cost.update(self) end
  saved(self)
end

-- sweep:drop(arm [, seed])
function meta:drop(name, seed)
  local arm, found = queue.find_arm(check(self), name), 0
  for _, entry in ipairs(self.queue) do
    local open = entry.status ~= "done" and entry.status ~= "dropped"
    if entry.arm == name and open and (not seed or entry.kind == "seed" and entry.seed == seed) then
      forget(self, entry)
      found = found + 1
    end
  end
  if not seed then arm.dropped = "by hand" end
  if seed and found == 0 then
    core.fail(("%s has no run of seed %s to drop"):format(name, tostring(seed)))
  end
  saved(self)
end

-- sweep:restore(arm): takes dropping, stopping and failure back.
function meta:restore(name)
  local arm = queue.find_arm(check(self), name)
  arm.dropped = nil
  for _, entry in ipairs(self.queue) do
    local again = entry.status == "dropped" or entry.status == "failed" or entry.status == "stopped"
    if entry.arm == name and again then entry.status, entry.error = "waiting", nil end
  end
  saved(self)
end

-- sweep:move(arm [, place]): its waiting runs before the others' number `place` (1).
function meta:move(name, place)
  queue.find_arm(check(self), name)
  place = place or 1
  if math.type(place) ~= "integer" or place < 1 then
    core.fail("sweep:move takes a place from 1, but got " .. core.describe(place))
  end
  local moved, others, before = {}, {}, nil
  for _, entry in ipairs(self.queue) do
    local list = entry.status == "waiting" and entry.arm == name and moved or others
    list[#list + 1] = entry
  end
  local waiting = 0
  for i, entry in ipairs(others) do
    if entry.status == "waiting" then
      waiting = waiting + 1
      if waiting == place then before = i end
    end
  end
  table.move(others, before or #others + 1, #others, (before or #others + 1) + #moved)
  table.move(moved, 1, #moved, before or #others + 1, others)
  self.queue = others
  saved(self)
end

-- sweep:extend(n): n more seeds.
function meta:extend(count)
  check(self)
  if math.type(count) ~= "integer" or count < 1 then
    core.fail("sweep:extend takes how many seeds, but got " .. core.describe(count))
  end
  local last = 0
  for _, entry in ipairs(self.queue) do
    if entry.kind == "seed" then last = math.max(last, entry.seed) end
  end
  for seed = last + 1, last + count do
    self.more_seeds[seed] = true
    queue.add_seed(self, seed)
  end
  saved(self)
end

local function goes_on(self)
  if run.present() ~= check(self) then core.fail(("the sweep %s does not go on"):format(self.name)) end
  return self
end

function meta:pause()
  goes_on(self)
  core.public.running():pause()
end

function meta:resume()
  goes_on(self)
  core.public.running():resume()
end

-- sweep:stop(["now"]): after the present run, or (now) before its next step.
function meta:stop(when)
  goes_on(self).stopping = true
  if one_of("stop", when or "run", { "run", "now" }) == "now" and self.running_experiment then
    self.running_experiment:stop()
  end
end

function meta:__tostring() return text.plan(self) end

local methods = {
  { "plan", "([{ measure = false }])",
    "what will be run and how long it takes, as text; times some steps of arms that have not run" },
  { "run", "()", "runs what is not done yet and waits; returns the results" },
  { "results", "()", "what has come out so far: arms with their runs and means" },
  { "verdict", "([{ control =, metric = }])", "of what has come out so far, see help \"sweep_results\"" },
  { "add", "{ name =, [setting] = value, ... }", "one more arm, with all seeds" },
  { "drop", "(arm [, seed])", "lets an arm, or its run of one seed, be" },
  { "restore", "(arm)", "takes back that an arm was dropped, or that its runs failed" },
  { "move", "(arm [, place])", "puts an arm's waiting runs before the others, or at a place" },
  { "extend", "(n)", "n more seeds for every arm" },
  { "pause", "()", "lets the present run, and so the sweep, wait" },
  { "resume", "()", "lets it go on" },
  { "stop", "([\"run\" or \"now\"])", "ends the sweep after the present run, or now; run() goes on" },
}
local by_name = {}
for _, method in ipairs(methods) do
  local name, args, help = table.unpack(method)
  by_name[name] = core.register("sweep:" .. name, args, help, meta[name])
end
core.define("netaug.sweep", by_name)
meta.__index = strict("a sweep", by_name,
  { "stopping", "running_entry", "running_experiment", "tune", "drop_rule" })

return sweep
