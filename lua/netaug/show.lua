-- Tables as people read them.
-- SPDX-License-Identifier: GPL-3.0-or-later

local deepest, longest = 4, 24   -- levels shown, and elements of a list
local fields, letters = 60, 300  -- named fields of a table, and bytes of a text in it

local function by_name(a, b)
  if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then return a < b end
  return tostring(a) < tostring(b)
end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do
    if math.type(key) ~= "integer" or key < 1 or key > #t then keys[#keys + 1] = key end
  end
  table.sort(keys, by_name)
  return keys
end

local function is_plain(value)
  if type(value) ~= "table" then return false end
  local meta = getmetatable(value)
  return meta == nil or meta.__tostring == nil and meta.__name == nil
end

local show

local function key_text(key)
  if type(key) == "string" and key:match("^[%a_][%w_]*$") then return key end
  return type(key) == "string" and ("[%q]"):format(key) or ("[%s]"):format(tostring(key))
end

-- The parts of a table: list elements first, then named fields in alphabetical order.
local function parts(t, level, seen)
  local out = {}
  for i = 1, math.min(#t, longest) do out[#out + 1] = show(t[i], level + 1, seen) end
  if #t > longest then out[#out + 1] = ("... %d more"):format(#t - longest) end
  local keys = sorted_keys(t)
  for i = 1, math.min(#keys, fields) do
    out[#out + 1] = key_text(keys[i]) .. " = " .. show(t[keys[i]], level + 1, seen)
  end
  if #keys > fields then out[#out + 1] = ("... %d more fields"):format(#keys - fields) end
  return out
end

local function lay_out(out, level)
  local line = "{ " .. table.concat(out, ", ") .. " }"
  if #line + 2 * level <= 90 and not line:find("\n") then return line end
  local indent = ("  "):rep(level)
  return "{\n  " .. indent .. table.concat(out, ",\n  " .. indent) .. "\n" .. indent .. "}"
end

function show(value, level, seen)
  if type(value) == "string" and level > 0 then
    if #value <= letters then return ("%q"):format(value) end
    return ("%q ... %d bytes"):format(value:sub(1, letters), #value)
  end
  if math.type(value) == "float" then return ("%.6g"):format(value) end
  if not is_plain(value) then return tostring(value) end
  if next(value) == nil then return "{}" end
  if seen[value] or level >= deepest then return "{ ... }" end
  seen[value] = true
  local text = lay_out(parts(value, level, seen), level)
  seen[value] = nil
  return text
end

return function(value) return show(value, 0, {}) end
