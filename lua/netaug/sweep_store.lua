-- What a sweep keeps on disk: NAME.sweep/sweep.json in the folder of runs (see core/store/FORMAT.md).
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The runs themselves are the truth about results; the file keeps what they cannot tell: the order of
-- the queue, what was dropped or failed, arms and seeds that were added meanwhile, times of steps.

local arms = require "netaug.sweep_arms"
local core = require "netaug.core"
local json = require "netaug.json"
local queue = require "netaug.sweep_queue"

local store = {}

local function path(sweep) return sweep.folder .. "/sweep.json" end

-- Settings as JSON has them; models and datasets by their names.
local function plain_settings(settings)
  local plain = {}
  for name, value in pairs(settings) do
    local kind = type(value)
    plain[name] = (kind == "userdata" or kind == "table" and getmetatable(value)) and
      arms.value_text(value) or value
  end
  return plain
end

local result_fields = { "folder", "identity", "error", "steered", "base", "augmented", "best",
                        "seconds", "train_top1", "added" }

-- One run, as results:arms() and the file have it.
function store.run(sweep, entry)
  local made = { arm = entry.arm, seed = entry.seed, kind = entry.kind, status = entry.status,
                 attempts = entry.attempts }
  for _, name in ipairs(result_fields) do made[name] = entry[name] end
  if entry.trial then made.trial = plain_settings(entry.trial) end
  local cost = queue.arm(sweep, entry.arm).cost
  if cost then made.params, made.macs = cost.params, cost.macs end
  return made
end

local function stored_arm(arm)
  local cost = arm.cost or {}
  return { name = arm.name, settings = plain_settings(arm.settings), added = arm.added,
           dropped = arm.dropped, tuned = arm.tuned and plain_settings(arm.tuned) or nil,
           epochs = arm.epochs, params = cost.params, macs = cost.macs,
           train_macs = cost.train_macs, step_seconds = arm.step_seconds, timed = arm.timed }
end

function store.save(sweep)
  local made = { format = "netaug sweep", version = 1, name = sweep.name, equal = sweep.equal,
                 saved = os.date("!%Y-%m-%dT%H:%M:%SZ"), arms = {}, runs = {} }
  for i, arm in ipairs(sweep.arms) do made.arms[i] = stored_arm(arm) end
  for i, entry in ipairs(sweep.queue) do made.runs[i] = store.run(sweep, entry) end
  core.write_file(path(sweep), json.encode(made))
end

------------------------------------------------------------------------------------- reading

local function refuse(sweep, words)
  core.fail(("%s: %s"):format(path(sweep), words),
    "move the file away to let the sweep find its runs by itself")
end

local function read(sweep)
  local file = io.open(path(sweep), "rb")
  if not file then return end
  local text = file:read("a") or ""
  file:close()
  local value, words = json.decode(text)
  if type(value) ~= "table" then refuse(sweep, words or "no sweep") end
  if value.format ~= "netaug sweep" then refuse(sweep, "not a file of a sweep") end
  if value.version ~= 1 then refuse(sweep, "written by a newer program") end
  if type(value.arms) ~= "table" or type(value.runs) ~= "table" then refuse(sweep, "damaged") end
  return value
end

local function take_arm(sweep, stored)
  if type(stored) ~= "table" or type(stored.name) ~= "string" then refuse(sweep, "a damaged arm") end
  local arm = queue.arm(sweep, stored.name)
  if not arm and stored.added == true and type(stored.settings) == "table" then
    arm = { name = stored.name, added = true,
            settings = arms.flatten("the arm " .. stored.name, stored.settings) }
    sweep.arms[#sweep.arms + 1] = arm
  end
  if not arm then return end
  if type(stored.dropped) == "string" then arm.dropped = stored.dropped end
  if type(stored.step_seconds) == "number" and type(stored.timed) == "string" then
    arm.step_seconds, arm.timed = stored.step_seconds, stored.timed
  end
end

local function is_run(stored)
  if type(stored) ~= "table" or type(stored.arm) ~= "string" or type(stored.kind) ~= "string" or
    math.type(stored.seed) ~= "integer" then return false end
  if stored.trial ~= nil and type(stored.trial) ~= "table" then return false end
  for path in pairs(stored.trial or {}) do
    if type(path) ~= "string" then return false end
  end
  return true
end

-- What a stored run adds to its entry. A run that was running was interrupted.
local function take_run(sweep, stored, order)
  if not is_run(stored) then refuse(sweep, "a damaged run") end
  if not queue.arm(sweep, stored.arm) then return end
  if stored.kind == "seed" and stored.added == true then
    sweep.more_seeds[stored.seed] = true
    queue.add_seed(sweep, stored.seed)
  end
  local entry = queue.find(sweep, queue.key(stored))
  if not entry then return end
  order[#order + 1] = entry
  if type(stored.folder) == "string" then entry.folder = stored.folder end
  local keeps = { failed = true, dropped = true }
  if keeps[stored.status] then
    entry.status = stored.status
    entry.error = type(stored.error) == "string" and stored.error or nil
    entry.identity = type(stored.identity) == "string" and stored.identity or nil
  end
end

-- The stored order first, then what is new.
local function reorder(sweep, order)
  local seen = {}
  for _, entry in ipairs(order) do seen[entry] = true end
  for _, entry in ipairs(sweep.queue) do
    if not seen[entry] then order[#order + 1] = entry end
  end
  sweep.queue = order
end

-- Brings a new sweep to where the stored one was.
function store.load(sweep)
  local value = read(sweep)
  if not value then return queue.fill(sweep) end
  for _, stored in ipairs(value.arms) do take_arm(sweep, stored) end
  queue.fill(sweep)
  local order = {}
  for _, stored in ipairs(value.runs) do take_run(sweep, stored, order) end
  reorder(sweep, order)
end

return store
