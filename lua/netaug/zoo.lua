-- The zoo: named models with checked options.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A file under models/ calls zoo.add once per network:
--
--   zoo.add {
--     name = "mcunet", help = "one line",
--     options = { resolution = 176 },                -- defaults that differ from the ones below
--     recipe = { width = { 1, 1.6, 2.2 }, ... },     -- the reference recipe, see netaug.model
--     blocks = function(o) return { stem = ..., stages = ..., head = ... } end,
--   }
--
-- blocks() gets the options, all filled in, and o.w(c): channels c times the width multiplier, made
-- divisible by 8.

local core = require "netaug.core"
local model = require "netaug.model"

local zoo = { models = {}, list = {} }

-- What every model of the zoo takes, and the default where the model has no other.
local defaults = {
  width_mult = 1,     -- channels of every block times this
  resolution = 224,   -- height and width of an image
  classes = 1000,     -- outputs of the classifier
  channels = 3,       -- colour planes of an image
  stem_stride = 2,    -- stride of the first convolution; 1 suits small images
  dropout = 0,        -- rate of dropout before the classifier
}
local types = { strides = "table" } -- stride of each stage, instead of the network's own
for name, value in pairs(defaults) do types[name] = type(value) end
local names = {}
for name in pairs(types) do names[#names + 1] = name end
table.sort(names)

local function filled(entry, given)
  local o = {}
  for name, value in pairs(defaults) do o[name] = value end
  for name, value in pairs(entry.options or {}) do o[name] = value end
  for name, value in pairs(given) do o[name] = value end
  return o
end

local function check(entry, given)
  local subject = "netaug.models." .. entry.name
  if type(given) ~= "table" then
    core.fail(("%s takes a table of options, but got %s"):format(subject, core.describe(given)),
      ("as in %s { classes = 10 }"):format(subject))
  end
  core.check_keys(subject, "option", given, names)
  for name, value in pairs(given) do
    if type(value) ~= types[name] then
      core.fail(("%s: %s takes a %s, but got %s"):format(subject, name, types[name],
        core.describe(value)))
    end
  end
  if given.width_mult and not (given.width_mult > 0 and given.width_mult <= 16) then
    core.fail(("%s: width_mult must lie between 0 and 16, but is %g"):format(subject,
      given.width_mult))
  end
  if entry.fixed_width and given.width_mult and given.width_mult ~= 1 then
    core.fail(subject .. " has no width multiplier: its widths were searched one by one")
  end
end

zoo.option_names = names

-- Puts the strides the user gave in place of the stages' own.
local function restride(entry, stages, strides)
  if #strides ~= #stages then
    core.fail(("netaug.models.%s has %d stages, but strides lists %d"):format(entry.name, #stages,
      #strides))
  end
  for i, stage in ipairs(stages) do
    local first = type(stage[1]) == "string" and stage or stage[1]
    first.stride = strides[i]
  end
end

local make
function make(entry, given)
  given = given == nil and {} or given
  check(entry, given)
  local o = filled(entry, given)
  function o.w(c) return model.divisible(c * o.width_mult) end
  local m = entry.blocks(o)
  if o.strides then restride(entry, m.stages, o.strides) end
  m.name = entry.name
  m.act = entry.act
  m.resolution, m.classes, m.channels = o.resolution, o.classes, o.channels
  m.recipe = entry.recipe
  local made = model.new(m)
  -- What was not asked for follows the data in an experiment.
  made.open = { resolution = not given.resolution, classes = not given.classes,
                channels = not given.channels }
  made.given, made.make = given, function(changed) return make(entry, changed) end
  return made
end

function zoo.add(entry)
  zoo.list[#zoo.list + 1] = entry
  zoo.models[entry.name] = core.register("netaug.models." .. entry.name, "{ options }", entry.help,
    function(given) return make(entry, given) end)
end

-- An unknown model is named with the nearest known one.
setmetatable(zoo.models, { __index = function(models, name)
  local known = {}
  for _, entry in ipairs(zoo.list) do known[#known + 1] = entry.name end
  core.check_keys("netaug.models", "model", { [name] = true }, known)
end })

return zoo
