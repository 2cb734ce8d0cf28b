-- What the scripts of this folder share: arguments, data, recipes at both scales, and how a comparison
-- is announced, run and judged. Not run by itself.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Every script takes, behind "--":
--   --scale full    the paper's recipe: ImageNet, 150 + 5 epochs, the paper's networks (the default)
--   --scale small   minutes to hours on two cores: CIFAR-10, Imagenette, Flowers, networks of their size
--   --seeds N  --epochs N  --net NAME  --only PART       instead of the scale's own
--   FOLDER ...      data: folders of JPEG files (train/CLASS/*.jpg beside val/CLASS/*.jpg) or what
--                   `netaug data pack` made of them
-- `netaug run SCRIPT --plan -- ...` only says what would be run, and how long it takes. Interrupted, the
-- same command goes on where it was.

local netaug = require "netaug"
local core = require "netaug.core"

local paper = {}

local numbers = { seeds = true, epochs = true }
local words = { scale = true, net = true, only = true }

local function fail(usage, message) error(message .. "\nusage: " .. usage, 0) end

-- { scale =, seeds =, epochs =, net =, only =, folders... }; usage: for messages; seeds: at small scale.
function paper.arguments(usage, seeds)
  local options, i = { scale = "full" }, 1
  while i <= #arg do
    local name = arg[i]:match("^%-%-(%l+)$")
    if name and (numbers[name] or words[name]) then
      i = i + 1
      local value = numbers[name] and math.tointeger(tonumber(arg[i])) or words[name] and arg[i]
      if not value or value == 0 then fail(usage, ("--%s lacks its value"):format(name)) end
      options[name] = value
    elseif arg[i]:sub(1, 2) == "--" then
      fail(usage, ("there is no option %s"):format(arg[i]))
    else
      options[#options + 1] = arg[i]
    end
    i = i + 1
  end
  if options.scale ~= "full" and options.scale ~= "small" then
    fail(usage, "--scale takes full or small, but got " .. options.scale)
  end
  if #options == 0 then fail(usage, "give the folder of the images") end
  options.small = options.scale == "small"
  options.seeds = options.seeds or (options.small and (seeds or 3) or 1)
  return options
end

-- Networks: the paper's at its resolutions, or such as suit 32x32 images.
local full = {
  { name = "mobilenetv2_tiny" }, { name = "mobilenetv2" }, { name = "mobilenetv3" },
  { name = "proxylessnas" }, { name = "mcunet", batch = 64 },
}
local small = {
  { name = "mobilenetv2_small", options = { width_mult = 0.35 } },
  { name = "mobilenetv3_small", options = { width_mult = 0.35 } },
}
local large = { full = { name = "resnet50" }, small = { name = "resnet_small" } }

local function network(entry)
  local made = netaug.models[entry.name](entry.options or {})
  return { name = entry.name, model = made, batch = entry.batch or made.recipe.batch or 128,
           size = made.resolution }
end

-- The scale's tiny networks, or --net alone; each { name, model, batch, size }.
function paper.networks(o)
  local list = {}
  for _, entry in ipairs(o.small and small or full) do
    if not o.net or o.net == entry.name then list[#list + 1] = network(entry) end
  end
  if #list == 0 then list[1] = network { name = o.net } end
  return list
end

-- The tiny network of comparisons that need one: --net or the scale's first.
function paper.tiny(o) return paper.networks(o)[1] end

-- The paper's large contrast.
function paper.large(o) return network(large[o.scale]) end

-- The images of folder for a network: the paper's augmentation; small images are padded and cropped.
function paper.data(folder, net, settings)
  local given = { batch = net.batch, size = net.size, augment = net.size <= 64 and "crop" or "resized" }
  for name, value in pairs(settings or {}) do given[name] = value end
  return netaug.dataset(folder, given)
end

-- The recipe: what is not said here comes from the network's own. Its learning rate is per worker, which
-- we are one of: the paper's eight have eight times the batch and the rate.
function paper.train(o, settings)
  local given = o.small and { epochs = 30, warmup = 1, lr = 0.1, calibrate = 4000 }
    or { epochs = 150, warmup = 5 }
  for name, value in pairs(settings or {}) do given[name] = value end
  if o.epochs then given.epochs = o.epochs end
  return given
end


-- An experiment without NetAug, which the arms of a comparison change.
function paper.experiment(o, name, net, folder, fields)
  local given = { name = ("%s-%s"):format(name, net.name), model = net.model, augment = false,
                  data = paper.data(folder, net), train = paper.train(o) }
  for field, value in pairs(fields or {}) do given[field] = value end
  return netaug.experiment(given)
end

-- The candidates: the network's own, or at small scale r = 2, which suits trainings of few epochs.
function paper.candidates(o, net)
  if o.small then return { r = 2, s = 1 } end
  return { width = net.model.recipe.width, expand = net.model.recipe.expand }
end

-- An arm that augments.
function paper.arm(o, name, net, more)
  local augment = paper.candidates(o, net)
  local arm = { name = name, augment = augment }
  for path, value in pairs(more or {}) do arm[path] = value end
  return arm
end

-- Says what is compared, the plan, the results and the verdict on every arm against `control` (the
-- first). Returns the results; nil where only the plan is wanted.
function paper.compare(title, fields, control)
  print(("\n== %s\n"):format(title))
  local sweep = netaug.sweep(fields)
  print(sweep:plan())
  if core.only_plan() then return end
  local results = sweep:run()
  print(("\n== %s: results\n"):format(title))
  print(results)
  print(results:verdict { control = control or fields.list and fields.list[1].name })
  return results
end

-- Trains one experiment, unless only the plan is wanted, and gives the path of its best checkpoint. A
-- sweep of one arm and one seed, so that it is not repeated when the script is run again.
function paper.checkpoint(title, exp)
  local results = paper.compare(title, { base = exp, seeds = 1 })
  return results and results.arms[1].runs[1].folder .. "/best.h5"
end

-- Checks --only against the parts there are.
function paper.wanted(o, part, parts)
  if not o.only then return true end
  core.check_keys("the script", "part", { [o.only] = true }, parts)
  return o.only == part
end

return paper
