-- Runs of any origin compared from their folders: netaug.verdict.
-- SPDX-License-Identifier: GPL-3.0-or-later

local core = require "netaug.core"

local options = { "runs", "by", "control", "metric", "test", "alpha", "power" }

local meta = { __name = "netaug.verdict", __tostring = function(self)
  local lines = {}
  for i, verdict in ipairs(self) do lines[i] = verdict.text end
  for _, line in ipairs(self.left_out) do lines[#lines + 1] = "left out: " .. line end
  for _, line in ipairs(self.notes) do lines[#lines + 1] = "note: " .. line end
  return table.concat(lines, "\n")
end }

-- One text, or a list of them.
local function list_of(name, value)
  if type(value) == "string" then return { value } end
  for _, text in ipairs(type(value) == "table" and value or {}) do
    if type(text) ~= "string" then value = text break end
  end
  if type(value) ~= "table" or (name == "runs" and #value == 0) then
    core.fail(("netaug.verdict: %s takes a text or a list of texts, but got %s"):format(name,
      core.describe(value)), "as in netaug.verdict { runs = \"runs\" }")
  end
  return value
end

-- netaug.verdict { runs = "runs", control = "plain" }
return function(given)
  if type(given) ~= "table" then
    core.fail("netaug.verdict takes a table, but got " .. core.describe(given),
      "as in netaug.verdict { runs = \"runs\" }")
  end
  core.check_keys("netaug.verdict", "option", given, options)
  local made = core.compare(list_of("runs", given.runs), list_of("by", given.by or {}),
    given.metric or "top1", given.test or "t", given.alpha or 0.05, given.power or 0.8, given.control)
  return setmetatable(made, meta)
end
