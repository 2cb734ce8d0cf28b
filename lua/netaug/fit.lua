-- Does a network under-fit or over-fit? By the gap between training and validation accuracy, and where
-- it goes.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Cai et al. 2022 (the paper of NetAug): tiny networks under-fit, and NetAug is for them; large ones
-- over-fit, and there it does not help, while regularisation does. Training accuracy is that of the
-- epoch's own steps, on augmented images and with all regularisation: on plain images it is higher,
-- so a gap may be larger than it looks.

local core = require "netaug.core"

local large, small, rising = 0.03, 0.015, 0.01 -- gaps, and the rise of a gap, as shares of 1

-- Epochs that were evaluated, as { epoch, train, val, loss }.
local function evaluated(history)
  local found = {}
  for _, e in ipairs(history) do
    if e.base_val and e.base_val.images > 0 and e.base.images > 0 then
      found[#found + 1] = { epoch = e.epoch, train = e.base.top1, val = e.base_val.top1,
                            loss = e.base_val.loss }
    end
  end
  return found
end

-- Least-squares slope of get(point) per epoch over points[first..].
local function slope(points, first, get)
  local n, sx, sy, sxx, sxy = 0, 0, 0, 0, 0
  for i = first, #points do
    local x, y = points[i].epoch, get(points[i])
    n, sx, sy, sxx, sxy = n + 1, sx + x, sy + y, sxx + x * x, sxy + x * y
  end
  local spread = n * sxx - sx * sx
  return spread > 0 and (n * sxy - sx * sy) / spread or 0
end

local words = {
  ["over-fitting"] = "The network learns its training images rather than what they show. NetAug was "
    .. "made for networks that\nunder-fit, and does not help one that over-fits: regularise "
    .. "(dropout, mixup, augmentation of the data), or shrink it.",
  ["under-fitting"] = "The network cannot learn more than it does: that is what NetAug is for. A wider "
    .. "supernet (augment.r), longer\ntraining or a better learning rate may help; dropout or mixup "
    .. "would take capacity away.",
  ["in between"] = "Neither is plain: NetAug may help; compare it with some seeds.",
}

local function state_of(fit)
  local loss_rises = fit.loss > 1.05 * fit.lowest_loss
  if fit.gap > large and (fit.trend > rising or loss_rises) then return "over-fitting" end
  if fit.gap < small and not (loss_rises and fit.trend > rising) then return "under-fitting" end
  return "in between"
end

local meta = { __name = "netaug.fit" }

function meta:__tostring()
  return ("%s: training %.2f%%, validation %.2f%%, gap %+.2f points%s\n%s"):format(self.state,
    100 * self.train, 100 * self.val, 100 * self.gap,
    self.epochs > 2 and (", %+.2f over the last half"):format(100 * self.trend) or "",
    words[self.state])
end

-- trend: how much the gap grew over the later half of the epochs. nil: no epoch was validated.
local function judge(history)
  local points = evaluated(history)
  local last = points[#points]
  if not last then return end
  local first = math.max(1, #points // 2)
  local fit = { train = last.train, val = last.val, gap = last.train - last.val, loss = last.loss,
                lowest_loss = math.huge, epochs = #points }
  for _, point in ipairs(points) do fit.lowest_loss = math.min(fit.lowest_loss, point.loss) end
  fit.trend = slope(points, first, function(p) return p.train - p.val end) *
    (last.epoch - points[first].epoch)
  fit.state = state_of(fit)
  return setmetatable(fit, meta)
end

-- netaug.fit(result): of exp:run, a run of a sweep, or a run's folder.
local function fit(result)
  if type(result) == "string" then result = core.recall(result) end
  if type(result) ~= "table" or type(result.history) ~= "table" then
    core.fail("netaug.fit takes a run's result or folder, but got " .. core.describe(result),
      "as in netaug.fit(exp:run()), or netaug.fit \"runs/NAME\"")
  end
  return judge(result.history) or core.fail("no epoch of the run was validated",
    "it needs images to validate on: data.holdout")
end

return { fit = fit, judge = judge }
