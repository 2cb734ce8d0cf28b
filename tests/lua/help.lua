-- Everything that can be called has a line of help. SPDX-License-Identifier: GPL-3.0-or-later
local netaug = require "netaug"
local core = require "netaug.core"

local known = {}
for _, name in ipairs(core.help_names()) do
  assert(not known[name], name .. " is registered twice")
  known[name] = true
end

local checked = 0
local function all(prefix, functions)
  for name, value in pairs(functions) do
    if type(value) == "function" then
      assert(known[prefix .. name], prefix .. name .. " has no help")
      checked = checked + 1
    end
  end
end
all("netaug.", netaug)
all("netaug.models.", netaug.models)
for _, class in ipairs { "net", "tensor", "data", "experiment", "run", "model", "sweep",
                         "sweep_results" } do
  all(class .. ":", core.methods("netaug." .. class))
end
assert(checked > 40, checked)
assert(known.help and known.print and known["os.exit"])

-- Every name that has help exists.
local classes = { net = true, tensor = true, data = true, experiment = true, run = true }
for name in pairs(known) do
  local owner, mark, member = name:match("^(.-)([.:])([%w_]+)$")
  if mark == ":" then
    assert(core.methods("netaug." .. owner)[member], name .. " does not exist")
  elseif owner == "netaug" then assert(rawget(netaug, member), name)
  elseif owner and not classes[owner] then
    assert(owner == "netaug.models" and rawget(netaug.models, member) or owner == "os", name)
  end
end

-- help() prints it: by name, by function, by object, by table.
local printed = {}
local real = print
local function shown(value)
  printed = {}
  help(value)
end
shown(netaug.load)
shown "net:cost"
shown "net"
shown(netaug.models)
shown "train"
shown(netaug.build(netaug.models.tiny {}))
help()

real("checked", #printed)
