-- SPDX-License-Identifier: GPL-3.0-or-later
local netaug = require "netaug"

local t = netaug.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
assert(#t == 2 and #t.shape == 2 and t.shape[1] == 2 and t.shape[2] == 3 and t.count == 6)
assert(t:mean() == 3.5 and t:sum() == 21 and t:min() == 1 and t:max() == 6)
assert(math.abs(t:std() - math.sqrt(35 / 12)) < 1e-12)
assert(math.abs(t:l2() - math.sqrt(91)) < 1e-12 and t:l1() == 21)
assert(netaug.tensor({ -1, 2 }):l1() == 3)

assert(t[2][3] == 6 and t:row(1)[2] == 2 and t[-1][1] == 4)
local column = t:slice(2, 2)
assert(column.shape[1] == 2 and column.shape[2] == 1 and column[1][1] == 2 and column[2][1] == 5)
local part = t:slice(2, 2, -1)
assert(part.shape[2] == 2 and part[2][1] == 5 and part[2][2] == 6)
local rows = t:slice(1, 2, 2)
assert(#rows == 1 and rows[1][1] == 4)

local deep = netaug.tensor { { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 7, 8 } } }
local middle = deep:slice(2, 2)
assert(middle:sum() == 3 + 4 + 7 + 8 and middle.shape[2] == 1)
local list = deep:totable()
assert(list[2][1][2] == 6 and #list == 2 and #list[1][1] == 2)

-- Copies: what is changed elsewhere does not show.
local net = netaug.build(netaug.models.tiny {}):initialize(1)
local before = net:param "head.op_list.2.linear.weight"
local sum = before:sum()
net:initialize(2)
assert(before:sum() == sum and net:param("head.op_list.2.linear.weight"):sum() ~= sum)

local text = tostring(t)
assert(text:find("tensor 2x3: mean 3.5", 1, true), text)
assert(text:find("[[         1,         2,         3],", 1, true), text)
local long = tostring(net:param "head.op_list.2.linear.weight")
assert(long:find("...", 1, true) and #long < 1000, long)

print("checked")
