-- Experiments before they run. SPDX-License-Identifier: GPL-3.0-or-later
local netaug = require "netaug"

local function make(fields)
  fields.model = fields.model or netaug.models.tiny {}
  fields.data = netaug.dataset("nowhere", { batch = 16, mean = { 0.5 } })
  return netaug.experiment(fields)
end

local exp = make { name = "one", augment = { width = { 1, 2 } }, train = { epochs = 3, lr = 0.1 } }
assert(exp.name == "one" and exp.train.epochs == 3 and exp.train.lr == 0.1)
assert(exp.train.momentum == 0.9 and exp.train.nesterov == true and exp.train.schedule == "cosine")
assert(exp.augment.width[2] == 2 and #exp.augment.expand == 0)
assert(exp.data.settings.batch == 16 and exp.data.settings.mean[1] == 0.5)
assert(exp.model.name == "tiny" and exp.net == nil)

-- What is left open comes from the model's recipe; augment = false and {} mean none.
local open = make {}
assert(open.name == "run" and open.train.lr == 0.05)
assert(#open.augment.width == 3 and #open.augment.expand == 4)
assert(make({ train = { lr = 0.7 } }).train.lr == 0.7)
assert(#make({ augment = false }).augment.width == 0)
assert(#make({ augment = {} }).augment.expand == 0)
assert(make({ augment = { r = 3 } }).augment.r == 3)
local v3 = make { model = netaug.models.mobilenetv3 {} }
assert(v3.train.lr == 0.1 and v3.train.weight_decay == 3e-5 and v3.augment.width[3] == 3)

-- A teacher.
assert(open.kd.teacher == "" and open.kd.weight == 0.5)
local taught = make { kd = { teacher = "large.h5", temperature = 2, weight = 0.9 } }
assert(taught.kd.teacher == "large.h5" and taught.kd.temperature == 2 and taught.kd.augmented)
assert(tostring(taught):find("kd.teacher = large.h5", 1, true))
assert(not pcall(make, { kd = { weight = 1.5 } }) and not pcall(make, { kd = { tempereture = 1 } }))
assert(make({ kd = false }).kd.teacher == "")

-- Settings are live, checked, and can be listed.
exp.train.epochs = 5
assert(exp.train.epochs == 5 and not pcall(function() exp.train.epochs = "x" end))
assert(exp.train.epochs == 5 and not pcall(function() return exp.train.epocs end))
local count = 0
for name, value in pairs(exp.train) do
  assert(value ~= nil, name)
  count = count + 1
end
assert(count > 15)
assert(tostring(exp.train):find("train.epochs = 5", 1, true))
assert(tostring(exp):find("model = tiny", 1, true))
assert(tostring(exp):find("data.batch = 16", 1, true))

-- Hooks.
function exp:on_epoch() return self end
assert(exp.on_epoch and exp.on_step == nil)
exp.on_epoch = nil
assert(exp.on_epoch == nil)
exp.name = "two"
assert(exp.name == "two" and not pcall(function() exp.name = "a/b" end) and exp.name == "two")
exp:stop() -- nothing runs: nothing happens

-- Runs that cannot wait say so.
local ok, message = pcall(coroutine.wrap(function() exp:run() end))
assert(not ok and message:find("cannot wait here", 1, true), message)

print("checked")
