-- Builds a model's network layer by layer.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Each kind of block has a function that adds its layers (see core.net_layer) and dimensions (see
-- core.net_dim) behind what was built so far. The C engine proves every shape.

local core = require "netaug.core"
local model = require "netaug.model"

local function round_half_up(x) return math.floor(x + 0.5) end

local add = {} -- by kind of block

-- The state while building: the net, the last layer and its width dimension with its base value,
-- the next block's number, the part's default activation.
local function new_builder(m, lists, shape)
  local height, width = shape.height or shape.resolution, shape.width or shape.resolution
  local net = core.net_new(m.name, shape.channels, height, width, shape.classes)
  return { net = net, act = m.act, lists = lists, last = 0, dim = core.net_input(net),
           base = shape.channels, classes = shape.classes, blocks = 0 }
end

local function new_width(b, name, base)
  return core.net_dim(b.net, "width", name, base, b.lists.width)
end

local function new_expand(b, name, base)
  return core.net_dim(b.net, "expand", name, base, b.lists.expand, b.dim)
end

-- Adds one layer behind b.last (unless spec says otherwise) and makes it the last.
local function layer(b, kind, name, spec)
  spec.input = spec.input or b.last
  b.last = core.net_layer(b.net, kind, name, spec)
  return b.last
end

-- DropBlock on a layer's output, where the training asks for it: behind every convolution of a block
-- and on its shortcut, as in the authors' ResNet50 (Ghiasi, Lin, Le 2018, section 4.1).
local function dropblock(b, name, input)
  if not b.dropblock then return input end
  return core.net_layer(b.net, "dropblock", name .. ".dropblock",
    { input = input, kernel = b.dropblock.size, rate = b.dropblock.rate })
end

local function conv(b, name, out, spec)
  spec.out = out
  if spec.norm == nil then spec.norm = true end
  b.last = dropblock(b, name, layer(b, "conv", name, spec))
  return b.last
end

local function depthwise(b, name, block)
  local made = layer(b, "depthwise", name,
    { kernel = block.k or 3, stride = block.stride or 1, norm = true, act = block.act or b.act })
  b.last = dropblock(b, name, made)
  return b.last
end

-- The output dimension of a block: shared with the input where there is a shortcut.
local function block_out(b, place, block)
  local fits = (block.stride or 1) == 1 and block.width == b.base
  local shortcut = block.residual
  if shortcut == nil then shortcut = fits and place.repeated end
  if shortcut and not fits then
    core.fail(("%s: a shortcut needs stride 1 and %d channels, as its input has"):format(place.name,
      b.base))
  end
  if shortcut then return b.dim, true end
  return new_width(b, place.out, block.width), false
end

local function finish_block(b, place, block, out, shortcut_from)
  if shortcut_from then
    local from = dropblock(b, place.name .. ".shortcut", shortcut_from)
    layer(b, "add", place.name, { input = { b.last, from }, act = block.join })
  end
  b.dim, b.base = out, block.width
end

-- place: name (prefix of parameter names), out and mid (names of dimensions), repeated (not the
-- first block of its stage).

function add.conv(b, block, place)
  local out = new_width(b, place.conv, block.width)
  conv(b, place.name, out, { kernel = block.k or 1, stride = block.stride or 1,
    act = block.act or b.act, norm = block.norm, bias = block.bias })
  b.dim, b.base = out, block.width
end

function add.separable(b, block, place)
  local from = b.last
  local out, shortcut = block_out(b, place, block)
  depthwise(b, place.name .. ".conv.depth_conv", block)
  conv(b, place.name .. ".conv.point_conv", out, {})
  finish_block(b, place, block, out, shortcut and from)
end

local function add_squeeze(b, block, place, mid, mid_base)
  local base = block.se
  if base == true then base = math.max(model.divisible(mid_base / 4), 16) end
  local squeeze = core.net_dim(b.net, "squeeze", place.mid .. ".se", base, nil, mid)
  return core.net_layer(b.net, "squeeze", place.name .. ".conv.se_layer",
    { input = b.last, squeeze = squeeze })
end

function add.inverted(b, block, place)
  local from, gate = b.last, nil
  local base = block.mid or model.divisible(round_half_up((block.expand or 6) * b.base))
  local mid = new_expand(b, place.mid, base)
  local out, shortcut = block_out(b, place, block)
  conv(b, place.name .. ".conv.inverted_conv", mid, { act = block.act or b.act })
  depthwise(b, place.name .. ".conv.depth_conv", block)
  if block.se then gate = add_squeeze(b, block, place, mid, base) end
  conv(b, place.name .. ".conv.point_conv", out, { gate = gate })
  finish_block(b, place, block, out, shortcut and from)
end

-- The shortcut of a ResNet block: its input, or a 1x1 convolution of it where the shape changes.
local function projection(b, place, block, out, from)
  if out == b.dim then return from end
  return core.net_layer(b.net, "conv", place.name .. ".shortcut",
    { input = from, out = out, stride = block.stride or 1, norm = true })
end

local function resnet_out(b, place, block)
  if (block.stride or 1) == 1 and block.width == b.base then return b.dim end
  return new_width(b, place.out, block.width)
end

function add.bottleneck(b, block, place)
  local from, act, name = b.last, block.act or b.act, place.name .. ".conv."
  local narrow = new_expand(b, place.mid, block.mid)
  local filtered = new_expand(b, place.mid .. "2", block.mid)
  local out = resnet_out(b, place, block)
  conv(b, name .. "conv1", narrow, { act = act })
  conv(b, name .. "conv2", filtered, { kernel = block.k or 3, stride = block.stride, act = act })
  local last = conv(b, name .. "conv3", out, {})
  from = projection(b, place, block, out, from)
  b.last, block.join = last, act
  finish_block(b, place, block, out, from)
end

function add.basic(b, block, place)
  local from, act, name = b.last, block.act or b.act, place.name .. ".conv."
  local mid = new_expand(b, place.mid, block.mid or block.width)
  local out = resnet_out(b, place, block)
  conv(b, name .. "conv1", mid, { kernel = block.k or 3, stride = block.stride, act = act })
  local last = conv(b, name .. "conv2", out, { kernel = block.k or 3 })
  from = projection(b, place, block, out, from)
  b.last, block.join = last, act
  finish_block(b, place, block, out, from)
end

local function add_window(kind)
  return function(b, block, place)
    layer(b, kind, place.name, { kernel = block.k, stride = block.stride })
  end
end
add.maxpool, add.avgpool = add_window "maxpool", add_window "avgpool"

function add.pool(b, _, place) layer(b, "globalpool", place.name, {}) end

function add.dropout(b, block, place) layer(b, "dropout", place.name, { rate = block.rate }) end

function add.dropblock(b, block, place)
  layer(b, "dropblock", place.name, { rate = block.rate, kernel = block.k or 7 })
end

function add.linear(b, block, place)
  local dropout = b.dropout or block.dropout or 0
  if dropout > 0 then layer(b, "dropout", place.name .. ".dropout", { rate = dropout }) end
  local out = core.net_dim(b.net, "fixed", "classes", b.classes)
  layer(b, "linear", place.name, { out = out, bias = true })
  b.dim, b.base = out, b.classes
end

local numbered = { separable = true, inverted = true, bottleneck = true, basic = true }

-- The names of a block's dimensions; k is its place in the part, from 0. The usual stem is a
-- convolution and a block, which need no number.
local function dim_names(b, place, part, block, k)
  if block[1] == "conv" then
    local usual = part == "stem" and k == 0
    place.conv = usual and "stem.conv" or ("%s.conv%d"):format(part, k)
  elseif part == "stem" and block[1] == "separable" then
    place.out = k == 1 and "stem.block" or ("stem.block%d"):format(k)
  elseif numbered[block[1]] then
    place.out, place.mid = ("block%d.out"):format(b.blocks), ("block%d.mid"):format(b.blocks)
    b.blocks = b.blocks + 1
  end
end

local function add_part(b, part, prefix, blocks)
  for i, block in ipairs(blocks) do
    local place = { name = ("%s.op_list.%d"):format(prefix, i - 1),
                    repeated = part ~= "stem" and part ~= "head" and i > 1 }
    dim_names(b, place, part, block, i - 1)
    add[block[1]](b, block, place)
  end
end

-- The candidates of both kinds: an experiment's augment table, or the model's recipe, or none.
local function candidate_lists(m, augment)
  if augment == false then return {} end
  if augment == nil then return { width = m.recipe.width, expand = m.recipe.expand } end
  return core.augment_lists(augment)
end

-- DropBlock of stage i: the last stage has the whole rate, each one before it a quarter of the next
-- one's (Ghiasi, Lin, Le 2018, section 4.1).
local function stage_dropblock(m, i, drops)
  local behind = #m.stages - i
  if drops.dropblock == 0 or behind >= drops.stages then return nil end
  return { rate = drops.dropblock / 4 ^ behind, size = drops.size }
end

-- shape: channels, height, width and classes that replace the model's own. drops: what the training
-- drops: dropout (nil: as the model says), dropblock, size, stages.
local function construct(m, lists, shape, drops)
  local b = new_builder(m, lists, shape)
  drops = drops or { dropblock = 0 }
  add_part(b, "stem", "backbone.input_stem", m.stem)
  for i, stage in ipairs(m.stages) do
    b.dropblock = stage_dropblock(m, i, drops)
    add_part(b, "stage" .. i, ("backbone.stages.%d"):format(i - 1), stage)
  end
  b.dropblock, b.dropout = nil, drops.dropout
  add_part(b, "head", "head", m.head)
  core.net_finish(b.net)
  return b.net
end

local function build(m, augment)
  if not model.is(m) then
    core.fail("netaug.build takes a model, but got " .. core.describe(m),
      "make one with netaug.models.NAME { ... } or netaug.model { ... }")
  end
  return construct(m, candidate_lists(m, augment), m)
end

-- The network of an experiment: what the model leaves open follows the data, the rest must agree.
local function for_data(m, lists, data, drops)
  local shape = { channels = data.channels, height = data.height, width = data.width,
                  classes = data.classes }
  local function agree(field, own, theirs, what, hint)
    if m.open[field] or own == theirs then return end
    core.fail(("model %s is for %s %s, but the data %s has %s"):format(m.name, own, what, data.name,
      theirs), hint)
  end
  agree("channels", m.channels, shape.channels, "channels",
    "leave the model's channels out, or set the data's")
  agree("classes", m.classes, shape.classes, "classes", "leave the model's classes out")
  agree("resolution", ("%dx%d"):format(m.resolution, m.resolution),
    ("%dx%d"):format(shape.height, shape.width), "images",
    ("give the data size = %d, or leave the model's resolution out"):format(m.resolution))
  return construct(m, lists, shape, drops)
end

return { build = build, for_data = for_data, add = add }
