-- Steering a run from hooks: arg[1] is the data's folder. SPDX-License-Identifier: GPL-3.0-or-later
local netaug = require "netaug"

local data = netaug.dataset(arg[1], { batch = 20, augment = "none", loaders = 1 })
local function experiment(name)
  return netaug.experiment {
    name = name, model = netaug.models.tiny {}, data = data,
    augment = { width = { 1, 1.5, 2 }, expand = { 1, 1.5 } },
    train = { epochs = 2, warmup = 0, lr = 0.1, threads = 1, seed = 3, calibrate = 60,
      schedule = "constant" },
  }
end
local function refused(words, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and message:find(words, 1, true), message)
end

assert(run == nil and netaug.running() == nil)
local exp, kept = experiment("steered"), nil
function exp:on_step(e)
  if e.step == 1 then
    assert(run == netaug.running() and run.name == "steered" and not run.paused)
    assert(run.train.lr == 0.1 and #run.augment.width == 3 and not run.steered)
    kept = run
    refused("train.lr takes a number", run.set, run, { lr = -1 })
    refused("cannot change in a run", run.set, run, { train = { seed = 2 } })
    refused("weights exist for", run.set, run, { augment = { width = { 1, 3 } } })
    refused("takes a table", run.set, run, 3)
    refused("did you mean", run.set, run, { alhpa = 1 })
    refused("no moment \"soon\"", run.stop, run, "soon")
    run:agreement(true)
    run:set { lr = 0.02, augment = { width = { 1, 2 } }, train = { alpha = 0.5 } }
  elseif e.step == 2 then
    assert(e.lr == 0.02 and run.train.alpha == 0.5 and run.steered)
    assert(#run.augment.width == 2 and #run.augment.expand == 2)
    local layers = run:agreement()
    assert(#layers > 4 and layers.step == 2 and layers[1].layer and layers[1].ratio > 0)
    assert(layers[1].cosine >= -1 and layers[1].cosine <= 1)
    run:set { augment = { r = 1.5, s = 3 } }
  elseif e.step == 3 then
    assert(#run.augment.width == 4 and #run.augment.expand == 4)
    run:checkpoint("third")
    run:evaluate()
  elseif e.step == 5 then
    local draws = run:draws()
    assert(draws.networks == 3 and draws.since == 2 and #draws.sizes == 10)
    assert(#draws[1] == 4 and draws[1].name and draws[1][4].factor == 1.5)
    run:stop("epoch")
  end
end
local result = exp:run()
assert(result.stopped and #result.history == 1 and result.base.images == 40)
assert(io.open(result.run .. "/third.h5")):close()
assert(run == nil and netaug.running() == nil)
refused("has ended", kept.pause, kept)

-- Pausing and stepping: the commands wait in their queue, and the run goes on by them alone.
exp = experiment("paused")
local seen = 0
function exp:on_step(e)
  seen = e.step
  if e.step == 2 then run:pause() run:step() run:step(2) run:resume() run:stop() end
end
result = exp:run()
assert(result.stopped and seen == 2, seen)

-- Recording activations: after the second epoch, and on command.
exp = experiment("recorded")
refused("record.images takes a whole number", exp.record, exp, { images = 0 })
refused('no setting "layer"', exp.record, exp, { layer = "x" })
exp:record { layers = { "no.such.layer" } }
refused("no layer", exp.run, exp)
exp:record { layers = { "head.op_list.2", "head.op_list.0" }, images = 5, epochs = { 2 }, gradients = true }
function exp:on_step(e)
  if e.step == 4 then
    refused("no layer", run.record, run, { layers = "nothing" })
    run:record { images = 3, augmented = false }
  end
end
result = exp:run()
local plain = experiment("unrecorded"):run()
assert(result.base.loss == plain.base.loss and result.augmented.loss == plain.augmented.loss)
assert(io.open(result.run .. "/activations-00000004.h5")):close()
assert(io.open(result.run .. "/activations-00000020.h5")):close()
assert(not io.open(result.run .. "/activations-00000010.h5"))

-- A script's own `run` stays its own.
run = "mine"
exp = experiment("own")
function exp:on_epoch() assert(run == "mine" and netaug.running()) netaug.running():stop() end
exp:run()
assert(run == "mine")
print("checked")
