-- A whole run on a small data set: arg[1] is its folder. SPDX-License-Identifier: GPL-3.0-or-later
local netaug = require "netaug"

local data = netaug.dataset(arg[1], { batch = 20, augment = "none", loaders = 1 })
assert(data.classes == 10 and data.channels == 1 and data.height == 16 and data.train == 200)
assert(data.val == 40 and #data.class_names == 10)
local counts = data:counts()
assert(#counts == 10 and counts[1] == 20 and data:counts("val")[10] == 4)

local exp = netaug.experiment {
  name = "first", model = netaug.models.tiny {}, data = data,
  augment = { width = { 1, 1.5 }, expand = { 1, 1.5 } },
  train = { epochs = 2, warmup = 0, lr = 0.1, threads = 1, seed = 3, calibrate = 60 },
}
local steps, epochs = {}, {}
function exp:on_step(e)
  assert(self == exp and self.net.classes == 10)
  steps[#steps + 1] = e.step
  assert(e.base.loss > 0 and e.augmented.loss > 0 and e.lr > 0)
end
function exp:on_epoch(e)
  epochs[#epochs + 1] = e
  assert(self.net:param("head.op_list.2.linear.weight"):l2() > 0)
  print(e.epoch, e.base.top1, e.augmented.top1)
end
local result = exp:run()
assert(#steps == 20 and steps[1] == 1 and steps[20] == 20, #steps)
assert(#epochs == 2 and epochs[2].epoch == 2 and epochs[2].base_val.images == 40)
assert(#result.history == 2 and result.history[1].base.loss == epochs[1].base.loss)
assert(result.base.top1 > 0.5 and result.base.images == 40 and result.best.top1 >= result.base.top1)
assert(result.seconds > 0 and not result.stopped and result.run:match("first$"))

-- The same again: another folder, the same numbers, whatever the hooks.
exp.on_step, exp.on_epoch = nil, nil
local again = exp:run()
assert(again.run:match("first%-2$"), again.run)
assert(again.base.loss == result.base.loss and again.augmented.loss == result.augmented.loss)

-- Without augmentation nothing is measured of a wider network.
local plain = netaug.experiment { name = "plain", model = netaug.models.tiny {}, data = data,
  augment = false, train = { epochs = 1, warmup = 0, threads = 1 } }
local alone = plain:run()
assert(alone.augmented.images == 0 and alone.base.images == 40)
assert(alone.augmented.top1 ~= alone.augmented.top1) -- not a number

-- A teacher that the same script has trained; one that does not exist is refused, and named.
local taught = netaug.experiment { name = "taught", model = netaug.models.tiny {}, data = data,
  augment = false, train = { epochs = 1, warmup = 0, threads = 1 },
  kd = { teacher = result.run .. "/best.h5" } }
local learnt = taught:run()
assert(learnt.history[1].base.loss ~= alone.history[1].base.loss)
taught.kd.weight = 0
assert(taught:run().history[1].base.loss == alone.history[1].base.loss)
taught.kd.teacher = "nowhere.h5"
local ok, message = pcall(taught.run, taught)
assert(not ok and message:find("kd.teacher: ", 1, true), message)

-- Its weights under a frozen backbone: only the head learns.
local tuned = netaug.experiment { name = "tuned", model = netaug.models.tiny {}, data = data,
  augment = false, train = { epochs = 1, warmup = 0, threads = 1, lr = 0.01,
    init_from = result.run .. "/best.h5", freeze = "backbone" } }
local before = netaug.load(result.run .. "/best.h5")
assert(tuned:run().base.top1 > alone.base.top1)
local stem = "backbone.input_stem.op_list.0.conv.weight"
assert(tuned.net:param(stem)[1][1][2][2] == before:param(stem)[1][1][2][2])
tuned.train.freeze = "backbone.stages.7"
ok, message = pcall(tuned.run, tuned)
assert(not ok and message:find("its parts are backbone, head", 1, true), message)

-- Stopping from a hook ends the run, not the script.
local stopped = netaug.experiment { name = "stopped", model = netaug.models.tiny {}, data = data,
  train = { epochs = 1000, warmup = 0, threads = 1 } }
function stopped:on_step(e) if e.step == 3 then self:stop() end end
local short = stopped:run()
assert(short.stopped and #short.history == 0)

-- An error in a hook comes out of run().
local broken = netaug.experiment { name = "broken", model = netaug.models.tiny {}, data = data,
  train = { epochs = 1000, warmup = 0, threads = 1 } }
function broken:on_step() error("in the hook") end
ok, message = pcall(broken.run, broken)
assert(not ok and message:find("run.lua:%d+: in the hook$"), message)

-- So does one of the run itself.
local mismatch = netaug.experiment { model = netaug.models.tiny { classes = 12 }, data = data }
ok, message = pcall(mismatch.run, mismatch)
assert(not ok and message:find("12 classes", 1, true), message)
mismatch = netaug.experiment { model = netaug.models.tiny { resolution = 32 }, data = data }
ok, message = pcall(mismatch.run, mismatch)
assert(not ok and message:find("32x32 images", 1, true), message)

-- And one in the middle of training: a learning rate that makes the loss infinite.
local wild = netaug.experiment { name = "wild", model = netaug.models.tiny {}, data = data,
  train = { epochs = 50, warmup = 0, lr = 1e9, threads = 1 } }
ok, message = pcall(wild.run, wild)
assert(not ok, "a wild learning rate fails")

-- A loop over runs is a loop.
local losses = {}
for seed = 1, 3 do
  plain.train.seed = seed
  losses[seed] = plain:run().base.loss
end
assert(losses[1] ~= losses[2] and losses[2] ~= losses[3])

print("checked")
