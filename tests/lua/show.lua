-- SPDX-License-Identifier: GPL-3.0-or-later
local show = require("netaug").show

local function is(value, wanted)
  local got = show(value)
  assert(got == wanted, ("got %s, wanted %s"):format(got, wanted))
end
is(5, "5")
is(0.1, "0.1")
is("x", "x")
is({}, "{}")
is({ 1, 2, { 3 } }, "{ 1, 2, { 3 } }")
is({ b = 1, a = "x" }, '{ a = "x", b = 1 }')
is({ [3] = 1, ["odd key"] = true }, '{ [3] = 1, ["odd key"] = true }')
local loop = { 1 }
loop.self = loop
is(loop, "{ 1, self = { ... } }")
local long = {}
for i = 1, 30 do long[i] = i end
assert(show(long):find("... 6 more", 1, true))
local wide = { first = ("x"):rep(60), second = ("y"):rep(60) }
assert(select(2, show(wide):gsub("\n", "")) == 3)
is(setmetatable({}, { __tostring = function() return "mine" end }), "mine")
local many = {}
for i = 1, 100 do many[("field%03d"):format(i)] = i end
assert(show(many):find("... 40 more fields", 1, true))
assert(#show { text = ("x"):rep(100000) } < 400)
local t = require("netaug").build(require("netaug").models.tiny { classes = 10 }):param("head.op_list.0.conv.weight")
assert(#show(t) < 2000 and show(t):find("mean", 1, true), show(t))

print("checked")
