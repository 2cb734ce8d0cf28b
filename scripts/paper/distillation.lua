-- Knowledge distillation, NetAug, and both: a large network is trained first, then teaches the tiny one.
--
--   netaug run scripts/paper/distillation.lua -- IMAGENET [TEACHER.h5]
--   netaug run scripts/paper/distillation.lua -- --scale small CIFAR10 [TEACHER.h5]
--
-- A teacher sees what its student sees, so it is trained at the student's resolution; a checkpoint of one
-- may be given instead. Options: see paper.lua.
-- SPDX-License-Identifier: GPL-3.0-or-later

local netaug = require "netaug"
local folder = arg[0]:match("^.*/") or "./"
local paper = dofile(folder .. "paper.lua")

local o = paper.arguments "netaug run scripts/paper/distillation.lua -- [--scale small] FOLDER [TEACHER.h5]"
local net, large = paper.tiny(o), paper.large(o)

local function train_teacher()
  large.size = net.size
  large.model = netaug.models[large.name] { resolution = net.size }
  return paper.checkpoint(("the teacher %s at %d pixels"):format(large.name, net.size),
    paper.experiment(o, "teacher", large, o[1]))
end

local teacher = o[2] or train_teacher()
if not teacher then
  print "\n(The students' plan needs the teacher: give its checkpoint, or run without --plan.)"
  return
end

local kd = { ["kd.teacher"] = teacher, ["kd.temperature"] = 4, ["kd.weight"] = 0.5 }
local taught = { name = "kd" }
for path, value in pairs(kd) do taught[path] = value end
paper.compare(("%s: labels, distillation, NetAug, both"):format(net.name), {
  base = paper.experiment(o, "distil", net, o[1]), seeds = o.seeds,
  list = { { name = "plain" }, taught, paper.arm(o, "netaug", net), paper.arm(o, "netaug+kd", net, kd) },
})
