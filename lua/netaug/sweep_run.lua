-- Running a sweep: finding what is there already, going on, failures.
-- SPDX-License-Identifier: GPL-3.0-or-later

local core = require "netaug.core"
local cost = require "netaug.sweep_cost"
local drop = require "netaug.sweep_drop"
local queue = require "netaug.sweep_queue"
local store = require "netaug.sweep_store"
local text = require "netaug.sweep_text"
local tune = require "netaug.sweep_tune"

local run = {}

local present -- the sweep that goes on

function run.present() return present end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- Folders in which the entry's run may be: the one it had, and those that its name gives.
local function candidates(entry, name)
  local found, base = {}, core.runs() .. "/" .. name
  if entry.folder then found[1] = entry.folder end
  local folder, number = base, 1
  while exists(folder) do
    if folder ~= entry.folder then found[#found + 1] = folder end
    number = number + 1
    folder = ("%s-%d"):format(base, number)
  end
  return found
end

-- The sweep's folder has a link to each of its results, so that it can be compared as a whole.
local function show(sweep, entry)
  if entry.kind ~= "seed" or entry.status ~= "done" then return end
  local name = entry.folder:match("[^/]*$")
  core.link("../" .. name, ("%s/%s"):format(sweep.folder, name))
end

local function take_result(entry, result)
  entry.folder, entry.seconds, entry.steered = result.run, result.seconds, result.steered
  entry.base, entry.augmented, entry.best = result.base, result.augmented, result.best
  entry.history = result.history
  local last = result.history[#result.history]
  entry.train_top1 = last and last.base.top1
  entry.error = nil
end

-- What ends a script must end it: an interrupt, os.exit.
local function ends_script(trouble)
  return type(trouble) ~= "string" or trouble:match("interrupted$") ~= nil
end

-- Looks for the entry's run, by its identity: "done", or the folder of one that was interrupted.
local function look(entry, name, identity)
  for _, folder in ipairs(candidates(entry, name)) do
    local readable, result = pcall(core.recall, folder)
    if not readable and ends_script(result) then error(result, 0) end
    if readable and result.identity == identity then
      if core.is_live(folder) then
        core.fail(("another process trains in %s"):format(folder),
          "wait for its end, or stop it; netaug watch shows it")
      end
      if result.complete then
        take_result(entry, result)
        return "done"
      end
      return folder
    end
  end
end

local function identity_of(exp)
  local identity = core.identity(exp, core.network(exp))
  collectgarbage() -- the collector cannot see how large a dropped network is
  return identity
end

-- Notes what is done already. What failed in another process is tried again, unless it is to be skipped.
local function recall(sweep, entry)
  if queue.blocked(sweep, entry) or entry.status == "dropped" then return end
  local exp = queue.experiment(sweep, entry)
  local identity = identity_of(exp)
  local changed = entry.identity ~= nil and entry.identity ~= identity
  entry.identity = identity
  if look(entry, exp.name, identity) == "done" then entry.status = "done"
  elseif entry.status == "failed" and (changed or sweep.on_failure ~= "skip") then
    entry.status, entry.error = "waiting", nil
  elseif entry.status ~= "failed" then entry.status = "waiting" end
end

-- Settles what follows from finished runs: tuned settings, hopeless arms.
local function settle(sweep)
  for _, arm in ipairs(sweep.arms) do
    if tune.settle(sweep, arm) then
      for _, entry in ipairs(queue.of(sweep, arm.name, "seed")) do recall(sweep, entry) end
    end
  end
  return drop.update(sweep)
end

-- Brings the queue to what the folders of runs hold.
function run.refresh(sweep)
  for _, entry in ipairs(sweep.queue) do
    if entry.status ~= "running" then recall(sweep, entry) end
  end
  settle(sweep)
end

------------------------------------------------------------------------------------- one run

local function report(sweep, entry)
  if not sweep.verbose then return end
  local done = #queue.select(sweep, function(e) return e.status == "done" end)
  local seconds = cost.left(sweep)
  print(("%s: %d of %d, %s: top-1 %s, %s%s"):format(sweep.name, done, #sweep.queue,
    queue.title(entry), text.percent(entry.base.top1), text.time(entry.seconds),
    seconds > 0 and ", about " .. text.time(seconds) .. " left" or ""))
end

local function finish(sweep, entry, result)
  take_result(entry, result)
  if entry.status == "dropped" then return end
  entry.status = result.stopped and "stopped" or "done"
  if entry.status == "done" then report(sweep, entry) end
end

local function fail(sweep, entry, trouble)
  entry.error, entry.attempts = trouble, entry.attempts + 1
  if entry.status == "dropped" then return end
  local again = sweep.on_failure == "retry" and entry.attempts <= sweep.retries
  entry.status = again and "waiting" or "failed"
  if sweep.on_failure == "stop" then
    store.save(sweep)
    error(trouble, 0)
  end
  print(("%s: %s failed: %s%s"):format(sweep.name, queue.title(entry),
    trouble:match("[^\n]*"), again and "; it is tried again" or ""))
end

-- Runs the entry, or goes on with it where it was interrupted. Yields.
local function do_entry(sweep, entry)
  local exp = queue.experiment(sweep, entry)
  entry.identity = identity_of(exp)
  local found = look(entry, exp.name, entry.identity)
  if found == "done" then
    entry.status = "done"
    return
  end
  entry.status = "running"
  store.save(sweep)
  sweep.running_entry, sweep.running_experiment = entry, exp
  local good, result = pcall(exp.run, exp, { resume = found or false })
  sweep.running_entry, sweep.running_experiment = nil, nil
  if good then return finish(sweep, entry, result) end
  if ends_script(result) then
    entry.status = "waiting"
    store.save(sweep)
    error(result, 0)
  end
  fail(sweep, entry, result)
end

------------------------------------------------------------------------------------- the whole

local function begin(sweep)
  core.make_folder(core.runs())
  core.make_folder(sweep.folder)
  local lock = core.hold(sweep.folder .. "/lock")
  if not lock then
    core.fail(("another process runs the sweep %s"):format(sweep.name),
      "wait for its end, or stop it")
  end
  return lock
end

-- Resets what an error or interrupt leaves.
local closing = { __close = function() present = nil end }

function run.run(sweep)
  if present then core.fail(("the sweep %s goes on"):format(present.name)) end
  local lock <close> = begin(sweep)
  local guard <close> = setmetatable({}, closing)
  present, sweep.stopping = sweep, nil
  cost.update(sweep)
  run.refresh(sweep)
  store.save(sweep)
  core.clear_links(sweep.folder)
  for _, entry in ipairs(sweep.queue) do show(sweep, entry) end
  local entry = queue.next(sweep)
  while entry and not sweep.stopping do
    do_entry(sweep, entry)
    show(sweep, entry)
    for _, line in ipairs(settle(sweep)) do print(("%s: %s"):format(sweep.name, line)) end
    store.save(sweep)
    entry = queue.next(sweep)
  end
end

return run
