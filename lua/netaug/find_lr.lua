-- A learning rate, found by raising it until the training falls apart.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Smith 2017, "Cyclical learning rates for training neural networks", section 3.3: the rate grows
-- exponentially from step to step while the loss is watched. The suggestion is a tenth of the rate at
-- which the smoothed loss is lowest, as fastai's `minimum`: there it is about to stop falling.

local core = require "netaug.core"

local options = { "from", "to", "steps" }
local defaults = { from = 1e-4, to = 10, steps = 200 }
local smoothing, diverged = 0.9, 4 -- share kept of the mean; times the lowest loss
local most = 290                   -- decades that numbers can span

local function read_options(given)
  given = given or {}
  core.check_keys("exp:find_lr", "option", given, options)
  local o = {}
  for name, value in pairs(defaults) do o[name] = given[name] or value end
  if type(o.from) ~= "number" or type(o.to) ~= "number" or o.from <= 0 or o.to <= o.from then
    core.fail("exp:find_lr takes from and to with 0 < from < to", "as in { from = 1e-4, to = 10 }")
  end
  if math.type(o.steps) ~= "integer" or o.steps < 20 then
    core.fail("exp:find_lr takes at least 20 steps, but got " .. core.describe(o.steps))
  end
  return o
end

-- A copy of the experiment whose rate grows from `from` to `to` in `steps` steps, all in the first
-- phase. It has more steps, as an epoch's last is followed by an evaluation.
local function prepare(exp, o)
  local copy = exp:copy(exp.name .. "-find-lr")
  local batches = math.max(1, copy.data.train // copy.data.settings.batch)
  local epochs, growth = o.steps // batches + 1, math.log(o.to / o.from, 10)
  o.steps = math.max(o.steps, math.ceil(epochs * batches * growth / most)) -- lr_end stays a number
  copy.train.lr, copy.train.schedule, copy.train.warmup = o.from, "exponential", 0
  copy.train.lr_end = o.from * (o.to / o.from) ^ (epochs * batches / (o.steps - 1))
  copy.train.epochs = epochs
  copy.train.min_w_epochs, copy.train.min_e_epochs, copy.train.off_epochs = 0, 0, 0
  copy.train.eval_every = copy.train.epochs
  copy.on_epoch = nil
  return copy
end

-- Adds a step's loss to the curve; true when it is time to end.
local function note(curve, e, workers)
  local last = curve[#curve]
  local mean = smoothing * (last and last.mean or 0) + (1 - smoothing) * e.base.loss
  local point = { lr = e.lr / workers, loss = e.base.loss, mean = mean,
                  smooth = mean / (1 - smoothing ^ (#curve + 1)) }
  curve[#curve + 1] = point
  curve.lowest = math.min(curve.lowest or math.huge, point.smooth)
  return #curve > 10 and point.smooth > diverged * curve.lowest
end

local function follow(copy, o)
  local curve = {}
  function copy:on_step(e)
    if note(curve, e, self.train.workers) then curve.diverged = curve[#curve].lr end
    if curve.diverged or #curve >= o.steps then self:stop() end
  end
  local good, result = pcall(copy.run, copy, { resume = false })
  if good then return curve, result.run end
  if type(result) ~= "string" or not result:find "finite" or #curve < 10 then error(result, 0) end
  curve.diverged = curve[#curve].lr
  return curve
end

-------------------------------------------------------------------------------- the suggestion

-- The rate of the lowest loss. The mean is not worth much before some steps went into it.
local function lowest_of(curve)
  local lowest
  for i = math.min(10, #curve), #curve do
    if not lowest or curve[i].smooth < lowest.smooth then lowest = curve[i] end
  end
  return lowest.lr
end

-- 0.0873 -> 0.087
local function rounded(value) return tonumber(("%.2g"):format(value)) end

-- The curve in lines: a rate, its loss, a bar.
local function chart(curve, lines, width)
  local low, high, rows = math.huge, -math.huge, {}
  for i = 1, lines do
    local point = curve[math.max(1, math.floor(i * #curve / lines + 0.5))]
    rows[i] = point
    low, high = math.min(low, point.smooth), math.max(high, math.min(point.smooth, 2 * curve[1].smooth))
  end
  for i, point in ipairs(rows) do
    local share = (math.min(point.smooth, high) - low) / math.max(high - low, 1e-12)
    rows[i] = ("  %-8.3g %7.3f %s"):format(point.lr, point.smooth,
      ("#"):rep(1 + math.floor(share * (width - 1))))
  end
  return table.concat(rows, "\n")
end

local meta = { __name = "netaug.lr" }

function meta:__tostring()
  local grid = ("{ %g, %g, %g }"):format(rounded(self.lr / 3), self.lr, rounded(self.lr * 3))
  local lines = { "  lr          loss", chart(self.curve, math.min(20, #self.curve), 50),
    ("suggested learning rate: %g, a tenth of where the loss is lowest%s"):format(self.lr,
      self.diverged and ("; it diverges at %.2g"):format(self.diverged) or ""),
    "to choose by what matters: netaug.sweep { base = exp, tune = { [\"train.lr\"] = " .. grid ..
      " } }" }
  if self.lowest >= 0.95 * self.curve[#self.curve].lr and not self.diverged then
    table.insert(lines, 3, "the loss still falls at the end: give a larger `to`")
  end
  return table.concat(lines, "\n")
end

local function find_lr(exp, given)
  local o = read_options(given)
  local curve, folder = follow(prepare(exp, o), o)
  local lowest = lowest_of(curve)
  return setmetatable({ lr = rounded(lowest / 10), lowest = lowest, diverged = curve.diverged,
                        curve = curve, run = folder }, meta)
end

core.methods("netaug.experiment").find_lr = core.register("experiment:find_lr",
  "([{ from = 1e-4, to = 10, steps = 200 }])",
  "raises the learning rate step by step until the training falls apart; returns { lr, lowest, " ..
  "diverged, curve } and prints as a chart", find_lr)
