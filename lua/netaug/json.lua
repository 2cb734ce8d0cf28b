-- JSON, for what other programs shall read, too. Reading executes nothing and bounds its depth.
-- SPDX-License-Identifier: GPL-3.0-or-later

local core = require "netaug.core"

local deepest = 32

------------------------------------------------------------------------------------- writing

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

local function quote(text)
  return '"' .. text:gsub('[%c"\\\127]', function(c)
    return escapes[c] or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

-- What JSON cannot say, not a number and infinities, is null. 17 digits lose no bit.
local function number(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if value ~= value or value - value ~= 0 then return "null" end
  return (("%.17g"):format(value):gsub("^-?%d+$", "%0.0"))
end

local write

local function sorted(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- The outer levels are a line per element, the inner ones are one line.
local function lay_out(parts, level, open, close)
  if #parts == 0 then return open .. close end
  if level > 1 then return open .. table.concat(parts, ", ") .. close end
  local indent = ("  "):rep(level + 1)
  return open .. "\n" .. indent .. table.concat(parts, ",\n" .. indent) .. "\n" ..
    ("  "):rep(level) .. close
end

-- A table with elements, or an empty one, is an array.
local function write_table(t, level)
  local parts = {}
  if next(t) == nil or #t > 0 then
    for _, value in ipairs(t) do parts[#parts + 1] = write(value, level + 1) end
    return lay_out(parts, level, "[", "]")
  end
  for _, key in ipairs(sorted(t)) do
    parts[#parts + 1] = quote(key) .. ": " .. write(t[key], level + 1)
  end
  return lay_out(parts, level, "{", "}")
end

function write(value, level)
  local kind = type(value)
  if kind == "string" then return quote(value) end
  if kind == "number" then return number(value) end
  if kind == "boolean" then return tostring(value) end
  if kind == "table" and level < deepest then return write_table(value, level) end
  core.fail(("a %s cannot be written as JSON"):format(kind))
end

------------------------------------------------------------------------------------- reading

local read

local function refuse(at, words) error({ json = ("byte %d: %s"):format(at, words) }, 0) end

local function skip(text, at) return text:find("[^ \t\r\n]", at) or #text + 1 end

local unescapes = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function read_string(text, at)
  local parts, from = {}, at + 1
  while true do
    local stop = text:find('["\\%c]', from) or refuse(at, "a string without an end")
    parts[#parts + 1] = text:sub(from, stop - 1)
    local mark = text:sub(stop, stop)
    if mark == '"' then return table.concat(parts), stop + 1 end
    if mark ~= "\\" then refuse(stop, "a control character in a string") end
    local code = text:match("^u(%x%x%x%x)", stop + 1)
    local escape = text:sub(stop + 1, stop + 1)
    if code then parts[#parts + 1] = utf8.char(tonumber(code, 16))
    elseif escape:match('["\\/]') then parts[#parts + 1] = escape
    else parts[#parts + 1] = unescapes[escape] or refuse(stop, "an unknown escape") end
    from = stop + (code and 6 or 2)
  end
end

local function read_number(text, at)
  local digits = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  local value = digits and tonumber(digits)
  if not value then refuse(at, "no value") end
  return value, at + #digits
end

-- Elements of an array or object up to `close`; take(at) reads one and gives the place behind it.
local function read_elements(text, at, close, take)
  at = skip(text, at + 1)
  if text:sub(at, at) == close then return at + 1 end
  while true do
    at = skip(text, take(at))
    local mark = text:sub(at, at)
    if mark == close then return at + 1 end
    if mark ~= "," then refuse(at, ("expected , or %s"):format(close)) end
    at = skip(text, at + 1)
  end
end

local function read_array(text, at, depth)
  local list, count = {}, 0
  return list, read_elements(text, at, "]", function(place)
    local value, behind = read(text, place, depth + 1)
    count = count + 1
    list[count] = value
    return behind
  end)
end

local function read_object(text, at, depth)
  local object = {}
  return object, read_elements(text, at, "}", function(place)
    if text:sub(place, place) ~= '"' then refuse(place, "a name must be a string") end
    local key, behind = read_string(text, place)
    behind = skip(text, behind)
    if text:sub(behind, behind) ~= ":" then refuse(behind, "expected :") end
    object[key], behind = read(text, skip(text, behind + 1), depth + 1)
    return behind
  end)
end

local words = { ["true"] = true, ["false"] = false }

function read(text, at, depth)
  if depth > deepest then refuse(at, "nested too deep") end
  local mark = text:sub(at, at)
  if mark == '"' then return read_string(text, at) end
  if mark == "{" then return read_object(text, at, depth) end
  if mark == "[" then return read_array(text, at, depth) end
  local word = text:match("^%l+", at)
  if word == "null" then return nil, at + 4 end
  if word and words[word] ~= nil then return words[word], at + #word end
  return read_number(text, at)
end

-- The value, or nil and what is wrong. null is nil.
local function decode(text)
  local good, value, behind = pcall(read, text, skip(text, 1), 0)
  if good and skip(text, behind) <= #text then
    good, value = pcall(refuse, behind, "something behind the end")
  end
  if good then return value end
  if type(value) ~= "table" then error(value, 0) end
  return nil, value.json
end

return { encode = function(value) return write(value, 0) .. "\n" end, decode = decode }
