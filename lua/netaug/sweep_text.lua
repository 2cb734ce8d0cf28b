-- A sweep's plan and results as text.
-- SPDX-License-Identifier: GPL-3.0-or-later

local arms = require "netaug.sweep_arms"
local cost = require "netaug.sweep_cost"
local queue = require "netaug.sweep_queue"

local text = {}

-- 13130 -> "13.1 k"
function text.count(value)
  if not value then return "-" end
  for _, unit in ipairs { { 1e9, " G" }, { 1e6, " M" }, { 1e3, " k" } } do
    if value >= unit[1] then return ("%.3g%s"):format(value / unit[1], unit[2]) end
  end
  return ("%d"):format(math.floor(value))
end

-- 4000 -> "1:06:40", 75 -> "1:15"
function text.time(seconds)
  if not seconds then return "-" end
  local s = math.floor(seconds + 0.5)
  if s >= 3600 then return ("%d:%02d:%02d"):format(s // 3600, s // 60 % 60, s % 60) end
  return ("%d:%02d"):format(s // 60, s % 60)
end

function text.percent(share) return share == share and ("%.2f%%"):format(100 * share) or "-" end

-- Rows of words as columns: the first to the left, the others to the right.
function text.columns(rows)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, word in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, utf8.len(word) or #word)
    end
  end
  for r, row in ipairs(rows) do
    local words = {}
    for i, word in ipairs(row) do
      local blank = (" "):rep(widths[i] - (utf8.len(word) or #word))
      words[i] = i == 1 and word .. blank or blank .. word
    end
    lines[r] = "  " .. table.concat(words, "  "):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

local function count_status(sweep, status)
  return #queue.select(sweep, function(entry) return entry.status == status end)
end

local function plural(n, word) return ("%d %s%s"):format(n, word, n == 1 and "" or "s") end

local function seed_list(sweep)
  local seen, words = {}, {}
  for _, entry in ipairs(sweep.queue) do
    if entry.kind == "seed" and not seen[entry.seed] then
      seen[entry.seed] = true
      words[#words + 1] = tostring(entry.seed)
    end
  end
  if #words > 12 then words = { words[1], words[2], "...", words[#words] } end
  return table.concat(words, ", ")
end

local function head(sweep)
  local words = { ("sweep %s: %s, %s"):format(sweep.name, plural(#sweep.arms, "arm"),
    plural(#sweep.queue, "run")) }
  for _, status in ipairs { "done", "running", "failed", "stopped", "dropped", "waiting" } do
    local n = count_status(sweep, status)
    if n > 0 then words[#words + 1] = ("%d %s"):format(n, status) end
  end
  return table.concat(words, ", ")
end

local function fairness(sweep)
  local lines = { "  seeds " .. seed_list(sweep),
    "  in every arm the same batches, images" .. (sweep.paired and
      ", draws and initial base weights" or " and draws") }
  if sweep.equal == "compute" then
    lines[#lines + 1] = "  arms are equal in multiply-adds of training: cheap ones train longer"
  end
  local tune = sweep.tune
  if tune then
    lines[#lines + 1] = ("  every arm is tuned first, on %g%% of its training images: %s")
      :format(100 * tune.holdout, tune.words)
  end
  return table.concat(lines, "\n")
end

local function plan_row(sweep, arm, cheapest)
  local c = arm.cost or {}
  local left = 0
  for _, entry in ipairs(sweep.queue) do
    if entry.arm == arm.name and (entry.status == "waiting" or entry.status == "running") then
      left = left + 1
    end
  end
  local seconds = cost.seconds(sweep, arm)
  return { arm.name, c.epochs and tostring(c.epochs) or "-", text.count(c.params),
           text.count(c.macs), c.train_macs and ("%.2f"):format(c.train_macs / cheapest) or "-",
           text.time(seconds), tostring(left), text.time(seconds and seconds * left) }
end

local function left_words(sweep)
  local seconds, open = cost.left(sweep)
  return ("  left: about %s%s"):format(text.time(seconds),
    open and ", and what is not known yet" or "")
end

local function next_words(sweep)
  local words = {}
  for _, entry in ipairs(sweep.queue) do
    if entry.status == "running" then words[#words + 1] = queue.title(entry) .. " (running)" end
  end
  for _, entry in ipairs(sweep.queue) do
    if entry.status == "waiting" and #words < 4 then words[#words + 1] = queue.title(entry) end
  end
  return #words > 0 and "  next: " .. table.concat(words, ", ") or "  nothing is left to do"
end

function text.plan(sweep)
  local cheapest = math.huge
  for _, arm in ipairs(sweep.arms) do
    cheapest = math.min(cheapest, arm.cost and arm.cost.train_macs or math.huge)
  end
  local rows = { { "arm", "epochs", "params", "MACs", "x cost", "per run", "runs", "time" } }
  for _, arm in ipairs(sweep.arms) do rows[#rows + 1] = plan_row(sweep, arm, cheapest) end
  return table.concat({ head(sweep), fairness(sweep), "", text.columns(rows), "",
    left_words(sweep), next_words(sweep) }, "\n")
end

------------------------------------------------------------------------------------- results

local function spread(values)
  local n, sum, squares = #values, 0, 0
  for _, value in ipairs(values) do sum = sum + value end
  local mean = n > 0 and sum / n or 0 / 0
  for _, value in ipairs(values) do squares = squares + (value - mean) ^ 2 end
  return mean, n > 1 and math.sqrt(squares / (n - 1)) or nil
end
text.spread = spread

local function notes_of(arm)
  local notes, words = {}, {}
  for _, run in ipairs(arm.runs) do
    local kind = run.steered and "steered" or run.status
    if kind ~= "done" then notes[kind] = (notes[kind] or 0) + 1 end
  end
  for _, kind in ipairs(arms.sorted_paths(notes)) do
    words[#words + 1] = ("%d %s"):format(notes[kind], kind)
  end
  if arm.tuned then words[#words + 1] = "tuned: " .. arms.label(arm.tuned) end
  return table.concat(words, ", ")
end

-- Steered runs count in no mean.
function text.results(results)
  local rows = { { "arm", "n", "top-1", "sd", "loss", "train", "fit", "params", "MACs", "per run" } }
  local after = {}
  for _, arm in ipairs(results.arms) do
    local row = { arm.name, tostring(arm.n), text.percent(arm.top1),
                  arm.sd and ("%.2f"):format(100 * arm.sd) or "-", arm.loss == arm.loss and ("%.4f"):format(arm.loss) or "-",
                  text.percent(arm.train_top1), arm.fit and arm.fit:match "^(%l+)-" or "-",
                  text.count(arm.params), text.count(arm.macs),
                  text.time(arm.seconds) }
    rows[#rows + 1] = row
    local notes = notes_of(arm)
    if notes ~= "" then after[#after + 1] = ("  %s: %s"):format(arm.name, notes) end
    if arm.dropped then after[#after + 1] = ("  %s was dropped: %s"):format(arm.name, arm.dropped) end
  end
  for _, warning in ipairs(results.warnings) do after[#after + 1] = "  " .. warning end
  local lines = { ("sweep %s: %d of %s done"):format(results.name, results.done,
    plural(results.count, "run")), text.columns(rows) }
  for _, line in ipairs(after) do lines[#lines + 1] = line end
  return table.concat(lines, "\n")
end

return text
