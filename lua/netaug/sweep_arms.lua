-- The arms of a sweep: which settings each has, what it is called, and its experiment.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- An arm is { name =, settings = { [path] = value } }. A path is "train.lr", "data.batch",
-- "augment.r", "kd.weight", "model.width_mult"; or "augment" or "kd" with false (without), "model" with
-- a model, "data" with a dataset.

local core = require "netaug.core"
local model = require "netaug.model"

local arms = {}

local parts = { "train", "data", "augment", "kd", "model" }

-- Parts that have a value of their own.
local wholes = { augment = true, kd = true, model = true, data = true }

-- What a sweep says itself.
local reserved = { ["train.seed"] = "seeds", ["data.seed"] = "seeds" }

function arms.check_path(subject, path)
  if reserved[path] then
    core.fail(("%s cannot vary %s: its %s do"):format(subject, path, reserved[path]),
      "as in seeds = 5, or seeds = { 11, 12 }")
  end
  if wholes[path] then return end
  local part, setting = path:match("^(%l+)%.([%w_]+)$")
  if not part then
    core.fail(("%s: \"%s\" is no setting"):format(subject, path),
      "settings have a part and a name, as \"train.lr\" or \"augment.r\"")
  end
  core.check_keys(subject, "part", { [part] = true }, parts)
  if part ~= "model" then
    core.check_keys("the part " .. part, "setting", { [setting] = true }, core.setting_names(part))
  end
end

------------------------------------------------------------------------------------- names

local function value_text(value)
  if type(value) == "string" then return (value:match("([^/]*)%.h5$") or value) end
  if model.is(value) then return value.name end
  if type(value) == "userdata" then return value.settings.path:match("[^/]*$") end
  if math.type(value) == "float" then return ("%.6g"):format(value) end
  if type(value) ~= "table" then return value == false and "off" or tostring(value) end
  local words = {}
  for i, element in ipairs(value) do words[i] = value_text(element) end
  return table.concat(words, ",")
end
arms.value_text = value_text

local function sorted_paths(settings)
  local paths = {}
  for path in pairs(settings) do paths[#paths + 1] = path end
  table.sort(paths)
  return paths
end
arms.sorted_paths = sorted_paths

-- "r=3 lr=0.1"; the part is told where two settings have one name.
function arms.label(settings)
  local count, words = {}, {}
  for path in pairs(settings) do
    local last = path:match("[%w_]+$")
    count[last] = (count[last] or 0) + 1
  end
  for _, path in ipairs(sorted_paths(settings)) do
    local last = path:match("[%w_]+$")
    words[#words + 1] = (count[last] > 1 and path or last) .. "=" .. value_text(settings[path])
  end
  return table.concat(words, " ")
end

-- As part of a folder's name.
function arms.folder_part(text)
  return (text:gsub("=", ""):gsub("[^%w._-]+", "-"))
end

---------------------------------------------------------------------------------- the kinds

-- The settings of one arm of a list: { name =, ["train.lr"] = 0.1, augment = { r = 3 }, ... }.
function arms.flatten(subject, given)
  if type(given) ~= "table" then
    core.fail(("%s takes tables of settings, but got %s"):format(subject, core.describe(given)))
  end
  local settings = {}
  local function put(path, value)
    arms.check_path(subject, path)
    settings[path] = value
  end
  for key, value in pairs(given) do
    if type(key) ~= "string" then
      core.fail(subject .. " takes named settings, but got a list element")
    end
    local plain = type(value) == "table" and not model.is(value)
    if key ~= "name" and not key:find(".", 1, true) and plain then
      for setting, inner in pairs(value) do put(key .. "." .. tostring(setting), inner) end
      if next(value) == nil and (key == "augment" or key == "kd") then put(key, false) end
    elseif key ~= "name" then put(key, value) end
  end
  return settings
end

function arms.from_list(list)
  local made = {}
  if type(list) ~= "table" or #list == 0 then
    core.fail("sweep.list takes a list of arms, but got " .. core.describe(list),
      "as in { { name = \"plain\", augment = false }, { name = \"r3\", [\"augment.r\"] = 3 } }")
  end
  for i, given in ipairs(list) do
    local settings = arms.flatten(("sweep.list[%d]"):format(i), given)
    local label = arms.label(settings)
    made[i] = { name = given.name or (label ~= "" and label or "base"), settings = settings }
  end
  return made
end

-- Every combination; the last path, in alphabetical order, varies fastest.
function arms.combinations(subject, grid)
  if type(grid) ~= "table" or next(grid) == nil then
    core.fail(("%s takes settings with lists of values, but got %s"):format(subject,
      core.describe(grid)), "as in { [\"augment.r\"] = { 1, 2, 3 } }")
  end
  local found = { {} }
  for _, path in ipairs(sorted_paths(grid)) do
    arms.check_path(subject, path)
    local values = grid[path]
    if type(values) ~= "table" or #values == 0 then
      core.fail(("%s: %s takes a list of values, but got %s"):format(subject, path,
        core.describe(values)))
    end
    local longer = {}
    for _, settings in ipairs(found) do
      for _, value in ipairs(values) do
        local copy = { [path] = value }
        for other, its in pairs(settings) do copy[other] = its end
        longer[#longer + 1] = copy
      end
    end
    found = longer
  end
  return found
end

local function named(list)
  local made = {}
  for i, settings in ipairs(list) do made[i] = { name = arms.label(settings), settings = settings } end
  return made
end

function arms.from_grid(grid) return named(arms.combinations("sweep.grid", grid)) end

-- splitmix64 (Steele, Lea, Flood 2014): the same arms for the same seed, whatever else draws.
local function generator(seed)
  local state = seed
  return function()
    state = state + 0x9E3779B97F4A7C15
    local z = state
    z = (z ~ z >> 30) * 0xBF58476D1CE4E5B9
    z = (z ~ z >> 27) * 0x94D049BB133111EB
    return ((z ~ z >> 31) >> 11) * 0x1p-53
  end
end

-- A value of { low, high, log =, integer = } or { choices = {...} }.
local function draw(path, range, unit)
  local subject = "sweep.random: " .. path
  if type(range) ~= "table" then
    core.fail(("%s takes { low, high } or { choices = {...} }, but got %s"):format(subject,
      core.describe(range)))
  end
  local named_fields = {}
  for key, value in pairs(range) do
    if key ~= 1 and key ~= 2 then named_fields[key] = value end
  end
  core.check_keys(subject, "field", named_fields, { "choices", "log", "integer" })
  local choices = range.choices
  if choices ~= nil and (type(choices) ~= "table" or #choices == 0) then
    core.fail(subject .. ": choices takes a list of values, but got " .. core.describe(choices))
  end
  if choices then return choices[1 + math.floor(unit() * #choices)] end
  local low, high = range[1], range[2]
  if not (math.type(low) and math.type(high) and low < high and (low > 0 or not range.log)) then
    core.fail(subject .. " takes { low, high } with low < high, above 0 with log = true")
  end
  local u = unit()
  local value = range.log and low * (high / low) ^ u or low + (high - low) * u
  local whole = range.integer
  if whole == nil then whole = math.type(low) == "integer" and math.type(high) == "integer" end
  if whole then return math.floor(value + 0.5) end
  return tonumber(("%.3g"):format(value))
end

function arms.from_random(random)
  local count, seed = random.n or 10, random.seed or 1
  local unit, list, ranges = generator(seed), {}, {}
  for path, range in pairs(random) do
    if path ~= "n" and path ~= "seed" then
      arms.check_path("sweep.random", path)
      ranges[path] = range
    end
  end
  if math.type(count) ~= "integer" or count < 1 or count > 10000 then
    core.fail("sweep.random.n takes a whole number from 1 to 10000, but got " ..
      core.describe(count))
  end
  if next(ranges) == nil then core.fail("sweep.random names no setting") end
  for i = 1, count do
    list[i] = {}
    for _, path in ipairs(sorted_paths(ranges)) do
      list[i][path] = draw(path, ranges[path], unit)
    end
  end
  local made = named(list)
  for i, arm in ipairs(made) do arm.name = ("%02d %s"):format(i, arm.name) end
  return made
end

-------------------------------------------------------------------------------- experiments

-- The table of one part's settings, and whether there are any.
local function of_part(settings, part)
  local found = {}
  for path, value in pairs(settings) do
    local setting = path:match("^" .. part .. "%.(.*)$")
    if setting then found[setting] = value end
  end
  return found, next(found) ~= nil
end

-- r makes the lists void, and lists make r void, as on the command line.
local function apply_augment(exp, settings)
  local changes, any = of_part(settings, "augment")
  if settings.augment == false or changes.r then exp.augment.width, exp.augment.expand = {}, {} end
  if settings.augment == false or changes.width or changes.expand then exp.augment.r = 0 end
  for setting, value in pairs(changes) do exp.augment[setting] = value end
  if any then
    local now = exp.augment
    core.augment_lists { width = now.width, expand = now.expand, r = now.r, s = now.s }
  end
end

-- Gives exp these settings. datasets: those opened so far by what makes them, so that arms share them.
function arms.apply(exp, settings, datasets)
  if settings.model then exp.model = settings.model end
  local options, any = of_part(settings, "model")
  if any then exp.model = exp.model:with(options) end
  if settings.data then exp.data = settings.data end
  local changes
  changes, any = of_part(settings, "data")
  if any then
    local key = tostring(settings.data) .. " " .. arms.label(changes)
    datasets[key] = datasets[key] or exp.data:with(changes)
    exp.data = datasets[key]
  end
  apply_augment(exp, settings)
  if settings.kd == false then exp.kd.teacher = "" end
  for setting, value in pairs((of_part(settings, "kd"))) do exp.kd[setting] = value end
  for setting, value in pairs((of_part(settings, "train"))) do exp.train[setting] = value end
end

-- Both seeds: initial weights and draws; order and augmentation of the images.
function arms.seed(exp, seed)
  exp.train.seed = seed
  exp.data = exp.data:with { seed = seed }
end

-- With the paper's initialisation supernets of different width begin with different bases.
function arms.pair(exp)
  if exp.train.init == "auto" or exp.train.init == "kaiming_uniform" then
    exp.train.init = "base_uniform"
  elseif exp.train.init == "normal" then exp.train.init = "base_normal" end
end

return arms
