-- The queue of a sweep: which runs there are, in which order, and the experiment of each.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- An entry is { arm =, seed =, kind = "seed" or "tune", trial = {...}, status =, ... }:
--   waiting   not run yet, or interrupted: it goes on where it was
--   running   the run that goes on
--   done      all its epochs were trained; base, augmented, best, seconds, steered are known
--   failed    error says why
--   stopped   by hand; it goes on when the sweep is run again
--   dropped   it shall not be run

local arms = require "netaug.sweep_arms"
local core = require "netaug.core"

local queue = {}

function queue.arm(sweep, name)
  for _, arm in ipairs(sweep.arms) do
    if arm.name == name then return arm end
  end
end

-- The same, refusing what there is not.
function queue.find_arm(sweep, name)
  local names = {}
  for i, arm in ipairs(sweep.arms) do names[i] = arm.name end
  core.check_keys("the sweep", "arm", { [tostring(name)] = true }, names)
  return queue.arm(sweep, name)
end

function queue.key(entry)
  return table.concat({ entry.kind, entry.arm, entry.seed,
    entry.trial and arms.label(entry.trial) or "" }, "|")
end

function queue.find(sweep, key)
  for place, entry in ipairs(sweep.queue) do
    if queue.key(entry) == key then return entry, place end
  end
end

local function put(sweep, entry)
  if queue.find(sweep, queue.key(entry)) then return end
  entry.status, entry.attempts = "waiting", 0
  sweep.queue[#sweep.queue + 1] = entry
  return entry
end

local function put_trials(sweep, arm)
  local tune = sweep.tune
  if not tune then return end
  for _, trial in ipairs(tune.trials) do
    for seed = 1, tune.seeds do
      put(sweep, { arm = arm.name, kind = "tune", trial = trial, seed = tune.first_seed + seed - 1 })
    end
  end
end

-- Adds what the arms lack: first all trials, then a round of all arms for each seed, so that a sweep
-- that is stopped early leaves complete pairs.
function queue.fill(sweep)
  for _, arm in ipairs(sweep.arms) do put_trials(sweep, arm) end
  for _, seed in ipairs(sweep.seeds) do
    for _, arm in ipairs(sweep.arms) do
      put(sweep, { arm = arm.name, kind = "seed", seed = seed, added = arm.added })
    end
  end
end

function queue.add_seed(sweep, seed)
  for _, arm in ipairs(sweep.arms) do
    local entry = put(sweep, { arm = arm.name, kind = "seed", seed = seed, added = true })
    if entry and arm.dropped then entry.status = "dropped" end
  end
end

-- Entries for which test(entry) holds, in order.
function queue.select(sweep, test)
  local found = {}
  for _, entry in ipairs(sweep.queue) do
    if test(entry) then found[#found + 1] = entry end
  end
  return found
end

function queue.of(sweep, arm, kind, status)
  return queue.select(sweep, function(entry)
    return entry.arm == arm and entry.kind == kind and (not status or entry.status == status)
  end)
end

-- A seed's runs wait until their arm's trials have settled its settings.
function queue.blocked(sweep, entry)
  return sweep.tune ~= nil and entry.kind == "seed" and not queue.arm(sweep, entry.arm).tuned
end

function queue.next(sweep)
  return queue.select(sweep, function(entry)
    return entry.status == "waiting" and not queue.blocked(sweep, entry)
  end)[1]
end

-------------------------------------------------------------------------------- experiments

-- Short enough for a folder; what is cut off leaves a mark that tells names apart.
local function shortened(name)
  if #name <= 90 then return name end
  local sum = 0
  for i = 1, #name do sum = (sum * 31 + name:byte(i)) & 0xffffff end
  return ("%s-%06x"):format(name:sub(1, 80), sum)
end

function queue.run_name(sweep, entry)
  local words = { sweep.name, arms.folder_part(entry.arm) }
  if entry.trial then words[#words + 1] = "tune-" .. arms.folder_part(arms.label(entry.trial)) end
  words[#words + 1] = "seed-" .. entry.seed
  return shortened(table.concat(words, "-"))
end

function queue.title(entry)
  local trial = entry.trial and (" tuning %s"):format(arms.label(entry.trial)) or ""
  return ("%s%s seed %d"):format(entry.arm, trial, entry.seed)
end

-- The experiment of an arm, with settings on top of its own; seeds and name are left.
function queue.arm_experiment(sweep, arm, more)
  local exp = sweep.base:copy()
  arms.apply(exp, arm.settings, sweep.datasets)
  arms.apply(exp, more or {}, sweep.datasets)
  if sweep.paired then arms.pair(exp) end
  if arm.epochs then exp.train.epochs = arm.epochs end
  return exp
end

-- Trials are judged on images that are neither trained on nor reported on.
local function hold_out(sweep, exp)
  local data = exp.data
  sweep.held_out[data] = sweep.held_out[data] or
    data:with { validation = "holdout", holdout = sweep.tune.holdout }
  exp.data = sweep.held_out[data]
  if sweep.tune.epochs then exp.train.epochs = sweep.tune.epochs end
end

function queue.experiment(sweep, entry)
  local arm = queue.arm(sweep, entry.arm)
  local exp = queue.arm_experiment(sweep, arm, entry.trial or arm.tuned)
  if entry.kind == "tune" then hold_out(sweep, exp)
  elseif sweep.tune then
    exp.train.eval_every = 100000 -- only after the last epoch: the test set is looked at once
  end
  arms.seed(exp, entry.seed)
  exp.name = queue.run_name(sweep, entry)
  return exp
end

return queue
