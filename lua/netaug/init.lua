-- The netaug library: what `require "netaug"` gives.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Its functions come from two places: the C bindings (netaug.core) and the Lua files beside this
-- one. Both register name, arguments and one line of help in the same table, see core.register.

local core = require "netaug.core"

local netaug = core.public

local register = core.register

local model = require "netaug.model"
netaug.model = register("netaug.model", "{ stem =, stages =, head =, ... }",
  "describes a network as tables of blocks; see lua/netaug/models for examples", model.new)
netaug.build = register("netaug.build", "(model [, augment])",
  "builds a model's network; augment as in an experiment, false: base only",
  require("netaug.build").build)
netaug.divisible = register("netaug.divisible", "(channels)",
  "the nearest multiple of 8 that is not below 90% of channels", model.divisible)

local zoo = require "netaug.zoo"
netaug.models = zoo.models
local families = { "mobilenetv2", "mobilenetv3", "proxylessnas", "mcunet", "resnet", "tiny" }
for _, family in ipairs(families) do
  require("netaug.models." .. family)
end

netaug.sweep = register("netaug.sweep", "{ base = exp, grid = {...}, seeds = 5 }",
  "the same experiment under many settings, with the same seeds for each; see lua/README.md",
  require("netaug.sweep").new)
netaug.sweeping = register("netaug.sweeping", "()", "the sweep that goes on, or nil",
  require("netaug.sweep_run").present)
require "netaug.sweep_results"
require "netaug.find_lr"
require "netaug.suggest"
netaug.fit = register("netaug.fit", "(result or folder)",
  "does the network under-fit or over-fit, by training and validation accuracy; prints as text",
  require("netaug.fit").fit)

netaug.verdict = register("netaug.verdict",
  "{ runs = \"runs\", control =, metric = \"top1\", by =, test = \"t\", alpha = 0.05, power = 0.8 }",
  "runs of any origin in arms, compared as netaug compare does: a list of verdicts with arms, " ..
  "left_out and notes; prints as text", require "netaug.verdict")

netaug.show = register("netaug.show", "(value)",
  "a table as text, fields in order, nested tables indented", require "netaug.show")

return netaug
