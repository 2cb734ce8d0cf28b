-- What can follow at the prompt: globals, fields, methods, settings.
-- SPDX-License-Identifier: GPL-3.0-or-later

local core = require "netaug.core"
local sweep = require "netaug.sweep"
local zoo = require "netaug.zoo"

-- Keys of a table, without asking its metatable.
local function add_keys(found, t)
  for key in next, t do
    if type(key) == "string" and key:match("^[%a_][%w_]*$") then found[key] = true end
  end
end

-- Names that help knows as "net:..." or "net.field".
local function add_members(found, class, separator)
  for _, name in ipairs(core.help_names()) do
    local owner, mark, member = name:match("^([%w_]+)([.:])([%w_]+)$")
    if owner == class and (mark == separator or separator == ".") then found[member] = true end
  end
end

-- The value that a chain such as "netaug.models" names, or nil. Only plain tables are entered:
-- nothing is called.
local function value_of(chain)
  local value = _G
  for name in chain:gmatch("[%w_]+") do
    if type(value) ~= "table" then return nil end
    value = rawget(value, name)
  end
  return value
end

local function members(chain, separator)
  local found, value = {}, value_of(chain)
  local class = type(value) == "table" and (core.class_of(value) or ""):match("^netaug%.(.*)$")
  if type(value) == "table" then
    add_keys(found, value)
    if class then add_members(found, class, separator) end
  elseif type(value) == "string" then add_keys(found, string)
  elseif type(value) == "userdata" then
    add_members(found, (core.class_of(value) or ""):match("[^.]*$"), separator)
  end
  return found
end

-- The words before the innermost table that `line` leaves open: "train = {", "netaug.experiment {".
local function open_table(line)
  local depth = 0
  for i = #line, 1, -1 do
    local c = line:sub(i, i)
    if c == "}" then depth = depth + 1
    elseif c == "{" and depth > 0 then depth = depth - 1
    elseif c == "{" then return line:sub(1, i - 1) end
  end
end

local function add_names(found, names)
  for _, name in ipairs(names) do found[name] = true end
end

-- What a call such as "run:set {" takes, by what stands before the brace.
local calls = {
  { "[%w_]+:set%s*%(?%s*$", { "train", "augment" }, { "augment" } },
  { "[%w_]+:record%s*%(?%s*$", {}, { "layers", "images", "epochs", "augmented", "gradients" } },
  { "netaug%.experiment%s*%(?%s*$", {}, { "name", "model", "data", "augment", "train", "kd" } },
  { "netaug%.sweep%s*%(?%s*$", {}, sweep.fields },
  { "netaug%.models%.[%w_]+%s*%(?%s*$", {}, zoo.option_names },
}

local function settings(line)
  local before, found = open_table(line), {}
  if not before then return found end
  for _, call in ipairs(calls) do
    if before:match(call[1]) then
      for _, subject in ipairs(call[2]) do add_names(found, core.setting_names(subject)) end
      add_names(found, call[3])
      return found
    end
  end
  local subject = before:match("([%w_]+)%s*=%s*$")
  if subject == "train" or subject == "augment" or subject == "kd" then
    add_names(found, core.setting_names(subject))
  elseif before:match("netaug%.dataset%s*%(.-,%s*$") then
    add_names(found, core.setting_names("data"))
  end
  return found
end

local function globals()
  local found = {}
  add_keys(found, _G)
  add_names(found, { "and", "break", "do", "else", "elseif", "end", "false", "for", "function",
    "goto", "if", "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until",
    "while" })
  return found
end

-- Candidates for the word that ends line, sorted. Where a word begins is the prompt's business:
-- "models" or "netaug.models", the candidates begin as the word does.
local function complete(line, word)
  local tail = line:match("[%w_.:]*$")
  local chain, separator, start = tail:match("^(.*)([.:])([%w_]*)$")
  start = start or tail
  local found = chain and members(chain, separator) or settings(line)
  if not chain and next(found) == nil then found = globals() end
  local prefix, matches = word:sub(1, #word - #start), {}
  for name in pairs(found) do
    if name:sub(1, #start) == start then matches[#matches + 1] = prefix .. name end
  end
  table.sort(matches)
  return matches
end

return { complete = complete }
