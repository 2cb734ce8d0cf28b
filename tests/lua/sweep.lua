-- Sweeps: arms, pairing, tuning, failures, edits of the queue. The argument is a small data set.
-- SPDX-License-Identifier: GPL-3.0-or-later

local netaug = require "netaug"
local core = require "netaug.core"
local arms = require "netaug.sweep_arms"
local json = require "netaug.json"

local function refused(words, f, ...)
  local good, message = pcall(f, ...)
  assert(not good, "not refused: " .. words)
  assert(tostring(message):find(words, 1, true), message)
end

local ended = 0
local function base(name, train)
  local exp = netaug.experiment {
    name = name, model = netaug.models.tiny {},
    data = netaug.dataset(arg[1], { batch = 20, augment = "none", loaders = 1 }), augment = false,
    train = { epochs = 1, warmup = 0, lr = 0.05, threads = 1, calibrate = 40 },
  }
  for key, value in pairs(train or {}) do exp.train[key] = value end
  return exp
end
local function run(sweep)
  local results = sweep:run()
  return results
end
local function names(sweep)
  local list = {}
  for i, arm in ipairs(sweep.arms) do list[i] = arm.name end
  return table.concat(list, "; ")
end
local function statuses(sweep)
  local list = {}
  for i, entry in ipairs(sweep.queue) do
    list[i] = entry.arm .. "/" .. entry.seed .. " " .. entry.status
  end
  return table.concat(list, "; ")
end
local function new(given)
  given.verbose = false
  return netaug.sweep(given)
end

----------------------------------------------------------------------------------------- JSON

local value = { a = { 1, 2.5, -3e-300, "x\"\\\n\1é" }, b = { c = true, d = false }, e = {} }
local text = json.encode(value)
local back = json.decode(text)
assert(json.encode(back) == text and back.a[3] == -3e-300 and back.a[4] == "x\"\\\n\1é")
assert(math.type(back.a[1]) == "integer" and json.encode { 1.0 }:find "1.0")
assert(json.encode { 0 / 0, 1 / 0 }:find "null, *\n*%s*null")
assert(json.decode('"\\u00e9\\/"') == "é/" and json.decode(" [null, 1]")[2] == 1)
for _, bad in ipairs { "", "{", "[1", "[1,]", '{"a" 1}', "{1: 2}", '"a', '"\1"', '"\\x"', "tru", "1 2", "+1",
                       ("["):rep(100) } do
  local read, words = json.decode(bad)
  assert(read == nil and words, bad)
end

----------------------------------------------------------------------------------------- arms

local exp = base "arms"
local s = new { base = exp, grid = { ["train.lr"] = { 0.1, 0.2 }, ["augment.r"] = { 1, 2 } }, seeds = 2 }
assert(names(s) == "r=1 lr=0.1; r=1 lr=0.2; r=2 lr=0.1; r=2 lr=0.2", names(s))
assert(#s.queue == 8 and s.queue[4].seed == 1 and s.queue[5].seed == 2)
s = new { base = exp, seeds = { 7 }, list = {
  { augment = { width = { 1, 2 } }, train = { lr = 0.2 } },
  { name = "off", augment = false, ["model.resolution"] = 8, data = { size = 8 } } } }
assert(names(s) == "width=1,2 lr=0.2; off")
local wide = require("netaug.sweep_queue").experiment(s, s.queue[1])
assert(wide.augment.width[2] == 2 and wide.train.lr == 0.2 and wide.train.seed == 7)
assert(wide.data.settings.seed == 7 and exp.train.lr == 0.05 and exp.data.settings.seed == 1)
assert(wide.train.init == "base_uniform" and exp.train.init == "auto")
assert(wide.name == "arms-width1-2-lr0.2-seed-7", wide.name)
local off = require("netaug.sweep_queue").experiment(s, s.queue[2])
assert(off.data.settings.size == 8 and off.model.resolution == 8 and #off.augment.width == 0)
s = new { base = exp, paired = false, list = { { ["augment.r"] = 2 } } }
assert(require("netaug.sweep_queue").experiment(s, s.queue[1]).train.init == "auto")
local teacher = run(new { base = base "teacher" }).arms[1].runs[1].folder .. "/last.h5"
s = new { base = exp, list = { { name = "labels", kd = false },
                               { name = "taught", kd = { teacher = teacher, weight = 0.5 } } } }
local taught = require("netaug.sweep_queue").experiment(s, s.queue[2])
assert(taught.kd.teacher == teacher and taught.kd.weight == 0.5 and exp.kd.teacher == "")
local net = core.network(taught)
local identity = core.identity(taught, net)
assert(identity == core.identity(taught, net))
taught.kd.teacher = teacher:gsub("last", "best")
assert(identity ~= core.identity(taught, net))
local range = { ["train.lr"] = { 0.01, 1, log = true }, ["train.epochs"] = { 2, 4 },
                ["augment.r"] = { choices = { 1, 2 } }, n = 30 }
s = new { base = exp, random = range }
local again, seen = new { base = exp, random = range }, {}
for i, arm in ipairs(s.arms) do
  local lr, epochs = arm.settings["train.lr"], arm.settings["train.epochs"]
  assert(lr >= 0.01 and lr <= 1 and again.arms[i].settings["train.lr"] == lr)
  assert(math.type(epochs) == "integer" and epochs >= 2 and epochs <= 4)
  seen[lr < 0.1], seen[epochs] = true, true
end
assert(seen[true] and seen[false] and seen[2] and seen[3] and seen[4])

refused("sweep.base takes an experiment", netaug.sweep, { base = 3 })
refused('netaug.sweep has no field "seed"', netaug.sweep, { base = exp, seed = 3 })
refused('the part train has no setting "l"', new, { base = exp, grid = { ["train.l"] = { 1 } } })
refused("cannot vary train.seed", new, { base = exp, grid = { ["train.seed"] = { 1 } } })
refused("is no setting", new, { base = exp, grid = { lr = { 1 } } })
refused("train.lr", new, { base = exp, grid = { ["train.lr"] = { -1 } } })
refused("begins with 2", new, { base = exp, list = { { augment = { width = { 2, 3 } } } } })
refused("takes a list of values", new, { base = exp, grid = { ["train.lr"] = 3 } })
refused("two arms are called", new, { base = exp, list = { { name = "a" }, { name = "a" } } })
refused("either grid or list", new, { base = exp, grid = { ["train.lr"] = { 1 } }, list = { {} } })
refused("sweep.seeds takes", new, { base = exp, seeds = 0 })
refused('sweep.equal has no value "macs"', new, { base = exp, equal = "macs" })
refused('has no option "widht"', new, { base = exp, grid = { ["model.widht"] = { 1 } } })
refused("sweep.tune.holdout", new, { base = exp, tune = { ["train.lr"] = { 1 }, holdout = 1 } })
refused("sweep.drop.after", new, { base = exp, drop = { after = 1 } })
refused("sweep.drop.keep takes a list", new, { base = exp, drop = { keep = "plain" } })
refused("choices takes a list", new, { base = exp, random = { ["train.lr"] = { choices = 3 } } })
refused("low < high", new, { base = exp, random = { ["train.lr"] = { 2, 1 } } })

-------------------------------------------------------------------------------------- pairing

-- The first step's loss of the base is the same to the bit, however wide the supernet is.
local losses = {}
local paired = base("paired", { sort = false })
function paired:on_step(e)
  if e.step == 1 then losses[#losses + 1] = e.base.loss end
end
run(new { base = paired, grid = { ["augment.r"] = { 1, 1.5, 2 } }, seeds = 2 })
assert(#losses == 6)
for round = 0, 3, 3 do
  assert(losses[round + 1] == losses[round + 2] and losses[round + 2] == losses[round + 3])
end
assert(losses[1] ~= losses[4])

------------------------------------------------------------------------------------- failures

local function poisoned(name, on_failure, retries)
  return new { base = base(name), on_failure = on_failure, retries = retries,
    list = { { name = "bad", ["train.lr"] = 1e9 }, { name = "good" } } }
end
s = poisoned "skipping"
local r = run(s)
assert(statuses(s) == "bad/1 failed; good/1 done", statuses(s))
assert(r:arm("bad").n == 0 and r:arm("good").n == 1 and r:arm("bad").runs[1].error:find "finite")
assert(tostring(r):find "bad: 1 failed")
s = poisoned("trying", "retry", 2)
run(s)
assert(s.queue[1].attempts == 3 and s.queue[1].status == "failed" and s.queue[2].status == "done")
s = poisoned("stopping", "stop")
refused("finite", run, s)
assert(s.queue[1].status == "failed" and s.queue[2].status == "waiting" and not netaug.sweeping())
-- In another process, what was skipped stays so, and what stopped is tried again.
s = poisoned "skipping"
run(s)
assert(s.queue[1].attempts == 0 and s.queue[1].status == "failed")
s:restore "bad"
assert(s.queue[1].status == "waiting")

---------------------------------------------------------------------------------------- edits

local edited = base "edited"
local steps = 0
function edited:on_step()
  steps = steps + 1
  local sweep = netaug.sweeping()
  if steps == 1 then
    sweep:move "c"
    sweep:drop("b", 2)
    sweep:add { name = "d", ["train.lr"] = 0.04 }
    refused("two arms", sweep.add, sweep, { name = "d" })
    refused('no arm "e"', sweep.drop, sweep, "e")
    assert(_G.sweep == sweep and #sweep:results().arms == 4)
    assert(sweep:plan():find "1 running" and #sweep:verdict() == 6)
    refused("goes on", sweep.run, sweep)
    refused('did you mean "drop"', function() return sweep.dropp end)
  elseif steps == 11 then sweep:drop "c"
  elseif steps == 12 then
    sweep:extend(1)
    sweep:stop()
  end
end
local three = { { name = "a" }, { name = "b", ["train.lr"] = 0.02 }, { name = "c", ["train.lr"] = 0.03 } }
s = new { base = edited, list = three, seeds = 2 }
r = run(s)
assert(statuses(s) == "a/1 done; c/1 dropped; c/2 dropped; b/1 done; a/2 waiting; b/2 dropped; " ..
  "d/1 waiting; d/2 waiting; a/3 waiting; b/3 waiting; c/3 dropped; d/3 waiting", statuses(s))
assert(r:arm("c").dropped == "by hand" and r.done == 2)
-- Run again, also from its file.
s = new { base = edited, list = three, seeds = 2 }
steps = 100
r = run(s)
assert(statuses(s) == "a/1 done; c/1 dropped; c/2 dropped; b/1 done; a/2 done; b/2 dropped; d/1 done; " ..
  "d/2 done; a/3 done; b/3 done; c/3 dropped; d/3 done", statuses(s))
assert(r:arm("d").n == 3 and r:arm("a").n == 3)

-- A steered run counts in no mean, and a stopped one goes on.
local steered = base("steered", { epochs = 2 })
local stops = 0
function steered:on_step(e)
  if self.train.seed == 1 and e.step == 3 then netaug.running():set { lr = 0.01 } end
  if self.train.seed == 2 and e.step == 14 and stops == 0 then
    stops = stops + 1
    self:stop()
  end
end
s = new { base = steered, seeds = 2 }
r = run(s)
assert(statuses(s) == "base/1 done; base/2 stopped" and r.arms[1].n == 0)
assert(r.arms[1].runs[1].steered and tostring(r):find "1 steered")
r = run(s)
assert(statuses(s) == "base/1 done; base/2 done" and r.arms[1].n == 1)
assert(#r.arms[1].runs[2].history == 2)

---------------------------------------------------------------------------------- fair arms

s = new { base = base("tuned", { epochs = 2 }), seeds = 1,
  tune = { ["train.lr"] = { 1e-6, 0.05, 1e9 }, epochs = 1, seeds = 2, holdout = 0.25 },
  list = { { name = "plain" }, { name = "wide", ["augment.r"] = 1.5 } } }
assert(#s.queue == 14)
local held = require("netaug.sweep_queue").experiment(s, s.queue[1])
assert(held.data.val == 50 and held.data.train == 150 and held.train.epochs == 1)
r = run(s)
for _, arm in ipairs(r.arms) do
  assert(arm.tuned["train.lr"] == 0.05 or arm.tuned["train.lr"] == 1e-6)
  assert(arm.n == 1 and #arm.runs[1].history == 2 and arm.runs[1].base.images == 40)
  assert(arm.runs[1].history[1].base_val.images == 0) -- the test set is looked at once
end
assert(r.done == 10) -- four trials of the highest rate fail

s = new { base = base("equal", { epochs = 4 }), equal = "compute", seeds = 1,
  list = { { name = "plain", augment = false }, { name = "wide", ["augment.r"] = 2 } } }
s:plan { measure = false }
local plain, dear = s.arms[1], s.arms[2]
assert(dear.epochs == 4 and plain.epochs == 13, plain.epochs)
-- One forward and two forwards' worth of backward; the plain arm draws nothing.
assert(plain.cost.train_macs == 3 * plain.cost.macs * plain.cost.images * plain.cost.epochs)
local ratio = plain.cost.train_macs / dear.cost.train_macs
assert(ratio > 0.9 and ratio < 1.1, ratio)
assert(s:plan():find "equal in multiply%-adds")

-- A hopeless arm is dropped as soon as the test says so; one that is to be kept is not.
local function dropping(name, keep)
  return new { base = base(name, { epochs = 3 }), seeds = 5, drop = { after = 3, p = 0.2, keep = keep },
    list = { { name = "good" }, { name = "bad", ["train.lr"] = 1e-9 } } }
end
s = dropping "drops"
r = run(s)
assert(r:arm("bad").n == 3 and r:arm("bad").dropped:find "behind good", tostring(r))
s = dropping("keeps", { "bad" })
assert(run(s):arm("bad").n == 5)

--------------------------------------------------------------------------------------- copies

local one = base "one"
one.state = { 1 }
local two = one:copy "two"
two.train.lr, two.state[1] = 0.3, 2
assert(one.train.lr == 0.05 and one.state[1] == 1 and two.name == "two" and one.name == "one")
two.model = netaug.models.tiny { resolution = 8 }
assert(two.model.resolution == 8 and one.model ~= two.model)
refused("takes a model", function() two.model = 3 end)
refused("takes a dataset", function() two.data = {} end)
assert(netaug.models.tiny { resolution = 8 }:with({ classes = 3 }).classes == 3)
local other = one.data:with { seed = 3 }
assert(other.settings.seed == 3 and one.data.settings.seed == 1 and other.train == one.data.train)
refused('data has no setting "sed"', function() one.data:with { sed = 3 } end)
assert(core.t_test({ 1, 2, 3 }).mean == 2)

------------------------------------------------------------------------------------ verdicts

local function fake_arm(name, top1s)
  local runs = {}
  for seed, top1 in ipairs(top1s) do
    local result = { top1 = top1, top5 = 1, loss = 2 - top1, images = 40 }
    runs[seed] = { seed = seed, status = "done", base = result, best = result }
  end
  return { name = name, runs = runs }
end
r = s:results()
r.arms = { fake_arm("plain", { 0.5, 0.52, 0.51 }), fake_arm("wide", { 0.6, 0.63, 0.6 }),
           fake_arm("odd", { 0.51, 0.4, 0.5 }) }
r.arms[3].runs[2].steered = true
local v = r:verdict { control = "plain" }
assert(#v == 2 and v[1].a == "wide" and v[1].b == "plain" and v[1].outcome == "better", v[1].outcome)
assert(math.abs(v[1].difference - 10) < 1e-9 and v[1].pairs == 3 and v[2].pairs == 2)
assert(v[1].p < 0.05 and v[1].low < 10 and v[1].text:find "wide is better than plain by 10.00 points")
assert(tostring(v):find "odd: 1 steered left out")
assert(#r:verdict() == 3 and r:verdict({ metric = "loss" })[1].outcome == "better")
assert(r:verdict({ test = "sign-flip" })[1].outcome == "cannot be told apart")
refused('no metric "top2"', r.verdict, r, { metric = "top2" })
refused('no test "u"', r.verdict, r, { test = "u" })
refused('no arm "x"', r.verdict, r, { control = "x" })

-------------------------------------------------------------------------------- search helpers

local searched = base "searched"
function searched:on_step() error "its own hooks are not called" end
local found = searched:find_lr { from = 1e-3, to = 1e4, steps = 40 }
assert(#found.curve <= 40 and math.abs(found.curve[1].lr - 1e-3) < 1e-9)
assert(math.abs(found.curve[3].lr / found.curve[2].lr - 1e7 ^ (1 / 39)) < 1e-6)
assert(found.diverged and found.lr < found.lowest and found.lowest < found.diverged)
assert(tostring(found):find "suggested learning rate" and searched.train.schedule == "cosine")
found = base("slow"):find_lr { from = 1e-9, to = 1e-7, steps = 20 }
assert(#found.curve == 20 and not found.diverged)
refused("0 < from < to", searched.find_lr, searched, { from = 1, to = 1 })
refused("at least 20 steps", searched.find_lr, searched, { steps = 3 })

local suggested = base("suggested"):suggest { r = { 1.5 }, s = { 1 }, epochs = 1, seeds = 1 }
assert(#suggested.results.arms == 2 and suggested.results.arms[1].runs[1].base.images == 20)
assert(suggested.r == nil or suggested.r == 1.5 and suggested.s == 1)
assert(tostring(suggested):find "suggested: ")
refused("takes a list of numbers", searched.suggest, searched, { r = 3 })

local function history(points)
  local list = {}
  for i, p in ipairs(points) do
    list[i] = { epoch = i, base = { top1 = p[1], images = 100 },
                base_val = { top1 = p[2], loss = p[3], images = 100 } }
  end
  return { history = list }
end
local over = netaug.fit(history { { 0.5, 0.5, 1 }, { 0.7, 0.65, 0.8 }, { 0.85, 0.68, 0.9 }, { 0.95, 0.68, 1.2 } })
assert(over.state == "over-fitting" and tostring(over):find "made for networks that")
local under = netaug.fit(history { { 0.5, 0.52, 1 }, { 0.6, 0.61, 0.9 }, { 0.62, 0.63, 0.85 } })
assert(under.state == "under-fitting" and math.abs(under.gap + 0.01) < 1e-9)
assert(netaug.fit(history { { 0.5, 0.5, 1 }, { 0.7, 0.68, 0.8 } }).state == "in between")
refused("no epoch of the run was validated", netaug.fit, { history = {} })
refused("takes a run's result or folder", netaug.fit, 3)

print "checked"
