-- What the arms of a sweep cost: parameters, multiply-adds, seconds.
-- SPDX-License-Identifier: GPL-3.0-or-later

local core = require "netaug.core"
local queue = require "netaug.sweep_queue"

local cost = {}

local draws, timed_steps = 64, 12

-- The mean multiply-adds of the sub-networks drawn in a phase.
local function mean_macs(net, phase)
  if phase == "plain" or phase == "off" then return 0 end
  local sum = 0
  for seed = 1, draws do sum = sum + net:cost(net:sample(phase, seed)).macs end
  return sum / draws
end

-- Multiply-adds of training on one image for all epochs: the backward pass costs two forward ones. A
-- network without a choice of widths trains alone.
local function training_macs(exp, net)
  local base, sum = net:cost().macs, 0
  local networks = net:cost("widest").macs > base and exp.train.networks or 0
  for phase, epochs in pairs(core.phases(exp.train)) do
    if epochs > 0 then sum = sum + epochs * 3 * (base + networks * mean_macs(net, phase)) end
  end
  return sum
end

-- { params, macs, widest_macs, epochs, images (per epoch), batches, train_macs (of a run) }
local function measure(exp, net)
  local base = net:cost()
  local batch = exp.data.settings.batch
  local images, batches = exp.data.train, exp.data.train // batch
  if batches == 0 then batches = 1 else images = batches * batch end
  return { params = base.parameters, macs = base.macs, widest_macs = net:cost("widest").macs,
           epochs = exp.train.warmup + exp.train.epochs, images = images, batches = batches,
           train_macs = training_macs(exp, net) * images }
end

local function of_arm(sweep, arm)
  local exp = queue.arm_experiment(sweep, arm, arm.tuned)
  local measured = measure(exp, core.network(exp))
  collectgarbage() -- the collector cannot see how large a dropped network is
  return measured
end

-- Gives every arm the epochs for which its training costs as many multiply-adds as the dearest arm's.
local function equalise(sweep)
  local dearest = 0
  for _, arm in ipairs(sweep.arms) do
    arm.epochs = nil
    arm.cost = of_arm(sweep, arm)
    dearest = math.max(dearest, arm.cost.train_macs)
  end
  for _, arm in ipairs(sweep.arms) do
    local per_epoch = arm.cost.train_macs / arm.cost.epochs
    local warmup = queue.arm_experiment(sweep, arm, arm.tuned).train.warmup
    arm.epochs = math.max(1, math.floor(dearest / per_epoch - warmup + 0.5))
  end
end

-- Fills arm.cost of every arm, and arm.epochs where arms are equal in compute.
function cost.update(sweep)
  if sweep.equal == "compute" then equalise(sweep) end
  for _, arm in ipairs(sweep.arms) do arm.cost = of_arm(sweep, arm) end
end

------------------------------------------------------------------------------------- seconds

-- Times a few steps of an arm, unless that was done before.
function cost.time_arm(sweep, arm)
  local exp = queue.arm_experiment(sweep, arm, arm.tuned)
  local net = core.network(exp)
  local identity = core.identity(exp, net)
  if arm.timed == identity then return end
  arm.step_seconds = core.step_seconds(exp.train, exp.data, net, timed_steps)
  arm.timed = identity
end

-- Forward passes of the evaluations and re-estimations beside the training, as multiply-adds.
local function evaluation_macs(exp, c)
  local train, val = exp.train, exp.data.val
  local times = math.ceil(c.epochs / train.eval_every)
  local elastic = c.widest_macs > c.macs
  local calibrated = elastic and math.min(train.calibrate, c.images) or 0
  local macs = (val + calibrated) * c.macs
  if elastic and train.eval_augmented then macs = macs + (val + calibrated) * c.widest_macs end
  return times * macs
end

local function from_steps(sweep, arm)
  local c = arm.cost
  local exp = queue.arm_experiment(sweep, arm, arm.tuned)
  local training = arm.step_seconds * c.batches * c.epochs
  return training * (1 + evaluation_macs(exp, c) / c.train_macs)
end

local function mean_seconds(entries)
  local sum = 0
  for _, entry in ipairs(entries) do sum = sum + entry.seconds end
  return #entries > 0 and sum / #entries or nil
end

-- Seconds per multiply-add in the runs that are done.
local function pace(sweep)
  local seconds, macs = 0, 0
  for _, entry in ipairs(sweep.queue) do
    local arm = queue.arm(sweep, entry.arm)
    if entry.status == "done" and arm.cost and entry.seconds > 0 then
      seconds, macs = seconds + entry.seconds, macs + arm.cost.train_macs
    end
  end
  return macs > 0 and seconds / macs or nil
end

-- Seconds that one run of the arm will take: as those that are done, else from timed steps, else as
-- other arms' in proportion to the multiply-adds; nil when nothing is known.
function cost.seconds(sweep, arm)
  local known = mean_seconds(queue.of(sweep, arm.name, "seed", "done")) or
    mean_seconds(queue.of(sweep, arm.name, "tune", "done"))
  if known then return known end
  if not arm.cost then return nil end
  if arm.step_seconds then return from_steps(sweep, arm) end
  local rate = pace(sweep)
  return rate and rate * arm.cost.train_macs
end

-- Seconds of all that waits, and whether some of it is not known.
function cost.left(sweep)
  local sum, open = 0, false
  for _, entry in ipairs(sweep.queue) do
    if entry.status == "waiting" or entry.status == "running" then
      local seconds = cost.seconds(sweep, queue.arm(sweep, entry.arm))
      if seconds then sum = sum + seconds else open = true end
    end
  end
  return sum, open
end

return cost
