-- Models: networks described as tables of blocks. netaug/build.lua turns them into layers.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
--   netaug.model {
--     name = "mine", act = "relu6",
--     channels = 1, resolution = 28, classes = 10,
--     stem   = { { "conv", k = 3, width = 16, stride = 2 }, { "separable", k = 3, width = 8 } },
--     stages = { { "inverted", n = 2, k = 3, expand = 6, width = 16, stride = 2 }, ... },
--     head   = { { "conv", k = 1, width = 64 }, { "pool" }, { "linear" } },
--     recipe = { width = { 1, 2 }, expand = { 1, 2 }, lr = 0.05 },
--   }
--
-- A stage is a list of blocks, or one block repeated `n` times (the first with its stride, the
-- others with stride 1). A block's shortcut exists where stride is 1, input and output width agree
-- and the block is not the first of its stage; `residual` overrides that. A block with a shortcut
-- has its input's width dimension: the choice is shared along the chain.
--
-- Names follow the reference's state_dict: backbone.input_stem.op_list.K,
-- backbone.stages.S.op_list.B and head.op_list.K for layers; stem.conv, stem.block, blockN.mid,
-- blockN.out, head.convK for elastic dimensions.

local core = require "netaug.core"

local model = {}

local function round_half_up(x) return math.floor(x + 0.5) end

function model.divisible(channels)
  local near = math.max(8, (channels + 4) // 8 * 8)
  if near < 0.9 * channels then near = near + 8 end
  return math.tointeger(near)
end

---------------------------------------------------------------------------------- block kinds

-- What a key of a block takes: a test, and the words for a message.
local function whole(least, most)
  return function(v)
    v = math.type(v) and math.tointeger(v)
    return v ~= nil and v >= least and v <= most
  end
end
local function flag(v) return type(v) == "boolean" end

local takes = {
  k        = { function(v) return whole(1, 63)(v) and v % 2 == 1 end, "an odd whole number" },
  width    = { whole(1, 65536), "a whole number of channels" },
  mid      = { whole(1, 65536), "a whole number of channels" },
  stride   = { whole(1, 16), "a whole number from 1 to 16" },
  n        = { whole(1, 256), "a whole number from 1 to 256" },
  expand   = { function(v) return math.type(v) ~= nil and v > 0 and v <= 64 end,
               "a number from 0 to 64" },
  act      = { core.is_activation, "one of " .. table.concat(core.activations, ", ") },
  se       = { function(v) return flag(v) or whole(1, 65536)(v) end,
               "true, false or a whole number of channels" },
  norm     = { flag, "true or false" },
  bias     = { flag, "true or false" },
  residual = { flag, "true or false" },
  dropout  = { function(v) return math.type(v) ~= nil and v >= 0 and v < 1 end,
               "a number from 0 up to 1" },
}
takes.rate = takes.dropout

-- The kinds of blocks: the keys each takes, those it cannot do without first.
local kinds = {
  conv       = { needs = { "width" }, may = { "k", "stride", "act", "norm", "bias", "n" } },
  separable  = { needs = { "width" }, may = { "k", "stride", "act", "residual", "n" } },
  inverted   = { needs = { "width" },
                 may = { "expand", "mid", "k", "stride", "act", "se", "residual", "n" } },
  bottleneck = { needs = { "width", "mid" }, may = { "k", "stride", "act", "n" } },
  basic      = { needs = { "width" }, may = { "mid", "k", "stride", "act", "n" } },
  maxpool    = { needs = { "k", "stride" }, may = {} },
  avgpool    = { needs = { "k", "stride" }, may = {} },
  pool       = { needs = {}, may = {} },
  dropout    = { needs = { "rate" }, may = {} },
  dropblock  = { needs = { "rate" }, may = { "k" } },
  linear     = { needs = {}, may = { "dropout" } },
}
local kind_names = {}
for name, kind in pairs(kinds) do
  kind_names[#kind_names + 1] = name
  kind.keys = { table.unpack(kind.needs) }
  for _, key in ipairs(kind.may) do kind.keys[#kind.keys + 1] = key end
end
table.sort(kind_names)

local function check_value(where, key, value)
  local test, words = table.unpack(takes[key])
  if not test(value) then
    core.fail(("%s: %s takes %s, but got %s"):format(where, key, words, core.describe(value)))
  end
end

local function check_block(where, block)
  if type(block) ~= "table" or type(block[1]) ~= "string" then
    core.fail(("%s is %s, not a block"):format(where, core.describe(block)),
      'a block is a table such as { "conv", k = 3, width = 16, stride = 2 }')
  end
  core.check_keys(where, "block kind", { [block[1]] = true }, kind_names)
  local kind = kinds[block[1]]
  where = ("%s (%s)"):format(where, block[1])
  local named = {}
  for key, value in pairs(block) do
    if key ~= 1 then named[key] = value end
  end
  core.check_keys(where, "key", named, kind.keys)
  for key, value in pairs(named) do check_value(where, key, value) end
  for _, key in ipairs(kind.needs) do
    if block[key] == nil then
      core.fail(("%s lacks %s"):format(where, key), key .. " takes " .. takes[key][2])
    end
  end
  if block.expand and block.mid then
    core.fail(where .. " has both expand and mid",
      "expand is mid as a multiple of the input's width")
  end
end

-- A part of a model as a flat list of blocks, repeats written out.
local function unroll(where, list)
  if type(list) ~= "table" then
    core.fail(("%s takes a list of blocks, but got %s"):format(where, core.describe(list)))
  end
  if type(list[1]) == "string" then list = { list } end
  local blocks = {}
  for i, block in ipairs(list) do
    check_block(("%s[%d]"):format(where, i), block)
    for repetition = 1, block.n or 1 do
      local copy = {}
      for key, value in pairs(block) do copy[key] = value end
      copy.n = nil
      if repetition > 1 then copy.stride = nil end
      blocks[#blocks + 1] = copy
    end
  end
  return blocks
end

------------------------------------------------------------------------------------ the model

local fields = { "name", "act", "channels", "resolution", "classes", "stem", "stages", "head",
                 "recipe" }
local recipe_fields = { "width", "expand", "lr", "weight_decay", "batch" }

local function check_number(name, value)
  if not whole(1, 1 << 20)(value) then
    core.fail(("netaug.model: %s takes a whole number of at least 1, but got %s"):format(name,
      core.describe(value)))
  end
  return math.tointeger(value)
end

local meta = { __name = "netaug.model" }
meta.__index = meta

function model.new(given)
  if type(given) ~= "table" then
    core.fail("netaug.model takes a table, but got " .. core.describe(given))
  end
  core.check_keys("netaug.model", "field", given, fields)
  if given.name ~= nil and type(given.name) ~= "string" then
    core.fail("netaug.model: name takes a string, but got " .. core.describe(given.name))
  end
  if given.act ~= nil then check_value("netaug.model", "act", given.act) end
  local recipe = given.recipe or {}
  core.check_keys("netaug.model", "recipe field", recipe, recipe_fields)
  local made = {
    name = given.name or "model",
    act = given.act or "relu",
    channels = check_number("channels", given.channels or 3),
    resolution = check_number("resolution", given.resolution or 32),
    classes = check_number("classes", given.classes or 10),
    open = { channels = not given.channels, resolution = not given.resolution,
             classes = not given.classes },
    stem = unroll("stem", given.stem or {}),
    stages = {},
    head = unroll("head", given.head or { { "pool" }, { "linear" } }),
    recipe = recipe,
  }
  if type(given.stages or {}) ~= "table" then
    core.fail("stages takes a list of stages, but got " .. core.describe(given.stages))
  end
  for i, stage in ipairs(given.stages or {}) do
    made.stages[i] = unroll(("stages[%d]"):format(i), stage)
  end
  made.given, made.make = given, model.new
  return setmetatable(made, meta)
end

-- model:with { resolution = 96 }: the same with other fields (of a model of the zoo: options).
function model.with(self, changes)
  if not model.is(self) then core.fail("model:with takes a model, as in m:with { classes = 5 }") end
  if type(changes) ~= "table" then
    core.fail("model:with takes a table, but got " .. core.describe(changes))
  end
  local given = {}
  for key, value in pairs(self.given) do given[key] = value end
  for key, value in pairs(changes) do given[key] = value end
  return self.make(given)
end
meta.with = core.register("model:with", "{ resolution = 96 }",
  "the same model with other options or fields", model.with)
core.define("netaug.model", { with = meta.with })

function model.is(value) return getmetatable(value) == meta end

model.kinds = kinds

-- A model prints as its blocks, one a line.
local function block_text(block)
  local words = {}
  for _, key in ipairs(kinds[block[1]].keys) do
    if block[key] ~= nil then words[#words + 1] = ("%s = %s"):format(key, tostring(block[key])) end
  end
  return ("%-11s %s"):format(block[1], table.concat(words, ", "))
end

function meta:__tostring()
  local lines = { ("%s: %dx%dx%d -> %d classes, %s"):format(self.name, self.channels,
    self.resolution, self.resolution, self.classes, self.act) }
  local function part(title, blocks)
    for i, block in ipairs(blocks) do
      lines[#lines + 1] = ("  %-9s %s"):format(i == 1 and title or "", block_text(block))
    end
  end
  part("stem", self.stem)
  for i, stage in ipairs(self.stages) do part("stage " .. i, stage) end
  part("head", self.head)
  return table.concat(lines, "\n")
end

return model
