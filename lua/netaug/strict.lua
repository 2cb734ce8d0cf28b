-- Objects of the library's Lua whose misspelt methods are refused with the nearest name.
-- SPDX-License-Identifier: GPL-3.0-or-later

local core = require "netaug.core"

-- An __index that finds the methods. hidden: fields that may be nil.
return function(subject, methods, hidden)
  local names, silent = {}, {}
  for name in pairs(methods) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(hidden) do silent[name] = true end
  return function(_, key)
    if methods[key] ~= nil or silent[key] or type(key) ~= "string" then return methods[key] end
    core.check_keys(subject, "method", { [key] = true }, names)
  end
end
