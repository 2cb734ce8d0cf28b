#!/usr/bin/python3
"""The workload of `netaug bench` in plain PyTorch, to compare with.

Reads what `netaug bench --print-widths` wrote: the network, layer by layer, and the drawn
sub-networks. Builds the supernet at its widest, runs sub-networks as slices of its weights
(F.conv2d on weight[:o, :i], F.batch_norm on sliced statistics), as the method's authors do, with the
same loss and optimizer, and times the same four things:

  base    forward and backward of the base, and the optimizer's step
  netaug  base and one drawn sub-network, gradients summed; mean over the draws
  widest  base and the widest sub-network
  eval    forward of the base with running statistics

Prints one line of JSON, as `netaug bench --json` does. With --serve it is `netaug bench --compare`'s
other half: it says "ready", and answers each line of its input ("base", "netaug", "widest", "eval":
seconds of one; "peak": bytes of memory at the most so far; "macs KIND": forward multiply-adds of one
image in that step's networks, counted from the tensors' shapes) with a number, until the input ends.

SPDX-License-Identifier: GPL-3.0-or-later
"""
import argparse
import json
import statistics
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    if "--serve" in sys.argv:
        print("missing PyTorch", flush=True)
        sys.exit(0)
    sys.exit("torch_netaug.py: PyTorch is missing\n"
             "  install it: apt-get install python3-torch libjemalloc2, and use /usr/bin/python3")

EPS, BN_MOMENTUM = 1e-5, 0.1
LR, MOMENTUM, DECAY, SMOOTHING = 1e-3, 0.9, 4e-5, 0.1

ACTIVATIONS = {
    "identity": lambda x: x,
    "relu": lambda x: F.relu(x, inplace=True),
    "relu6": lambda x: F.relu6(x, inplace=True),
    "h-swish": lambda x: F.hardswish(x, inplace=True),
    "h-sigmoid": lambda x: F.hardsigmoid(x, inplace=True),
}


class Layer:
    """One layer of the description with its parameters at the widest."""

    def __init__(self, spec, max_widths):
        self.__dict__.update(spec)
        self.activate = ACTIVATIONS[self.act]
        self.macs = 0  # of the last pass, for one image
        self.decaying, self.plain = [], []
        out, into = max_widths[self.out], max_widths[self.__dict__["in"]]
        if self.kind in ("conv", "linear"):
            shape = (out, into, self.kernel, self.kernel) if self.kind == "conv" else (out, into)
            self.weight = self.parameter(shape, decays=True)
        elif self.kind == "depthwise":
            self.weight = self.parameter((out, 1, self.kernel, self.kernel), decays=True)
        elif self.kind == "squeeze":
            middle = max_widths[self.squeeze]
            self.weight = self.parameter((middle, into, 1, 1), decays=True)
            self.weight2 = self.parameter((out, middle, 1, 1), decays=True)
            self.bias1 = self.parameter((middle,))
            self.bias2 = self.parameter((out,))
        self.has_bias = self.bias and self.kind != "squeeze"
        if self.has_bias:
            self.bias1 = self.parameter((out,))
        if self.norm:
            self.gamma = self.parameter((out,), value=1.0)
            self.beta = self.parameter((out,))
            self.mean, self.var = torch.zeros(out), torch.ones(out)

    def parameter(self, shape, decays=False, value=0.0):
        if len(shape) > 1:
            fan_in = int(torch.tensor(shape[1:]).prod())
            tensor = torch.empty(shape).uniform_(-1, 1) * fan_in ** -0.5
        else:
            tensor = torch.full(shape, value)
        if len(shape) == 4:
            tensor = tensor.to(memory_format=torch.channels_last)
        tensor.requires_grad_(True)
        (self.decaying if decays else self.plain).append(tensor)
        return tensor

    def count(self, weight, out):
        """Every output value is a sum of as many products as an output channel has weights."""
        self.macs += out[0].numel() * weight[0].numel()
        return out

    def conv(self, x, weight, bias, stride=1, pad=0, groups=1):
        return self.count(weight, F.conv2d(x, weight, bias, stride, pad, groups=groups))

    def normalise(self, x, out, training):
        return F.batch_norm(x, self.mean[:out], self.var[:out], self.gamma[:out], self.beta[:out],
                            training, BN_MOMENTUM, EPS)

    def forward(self, inputs, gate, widths, training):
        x = inputs[0]
        out, into = widths[self.out], widths[self.__dict__["in"]]
        kind = self.kind
        self.macs = 0
        if kind == "conv":
            if gate is not None:
                x = x * gate
            x = self.conv(x, self.weight[:out, :into], self.bias1[:out] if self.has_bias else None,
                          self.stride, self.pad)
        elif kind == "depthwise":
            x = self.conv(x, self.weight[:out], None, self.stride, self.pad, groups=out)
        elif kind == "linear":
            weight = self.weight[:out, :into]
            x = self.count(weight, F.linear(x.flatten(1), weight,
                                            self.bias1[:out] if self.has_bias else None))
        elif kind == "squeeze":
            middle = widths[self.squeeze]
            x = F.adaptive_avg_pool2d(x, 1)
            x = F.relu(self.conv(x, self.weight[:middle, :into], self.bias1[:middle]), inplace=True)
            return F.hardsigmoid(self.conv(x, self.weight2[:out, :middle], self.bias2[:out]),
                                 inplace=True)
        elif kind == "add":
            x = inputs[0] + inputs[1]
        elif kind == "maxpool":
            x = F.max_pool2d(x, self.kernel, self.stride, self.pad)
        elif kind == "avgpool":
            x = F.avg_pool2d(x, self.kernel, self.stride, self.pad)
        elif kind == "globalpool":
            x = F.adaptive_avg_pool2d(x, 1)
        elif kind == "dropout":
            x = F.dropout(x, self.rate, training)
        if self.norm:
            x = self.normalise(x, out, training)
        return self.activate(x)


class Net:
    def __init__(self, description):
        self.layers = [Layer(spec, description["max"]) for spec in description["layers"]]
        self.last_use = {}
        for i, layer in enumerate(self.layers):
            for j in layer.input + [layer.gate]:
                self.last_use[j] = i

    def groups(self):
        return [{"params": [p for l in self.layers for p in l.decaying], "weight_decay": DECAY},
                {"params": [p for l in self.layers for p in l.plain], "weight_decay": 0.0}]

    def forward(self, images, widths, training):
        outputs = {0: images}
        for i, layer in enumerate(self.layers):
            if i == 0:
                continue
            inputs = [outputs[j] for j in layer.input if j >= 0]
            gate = outputs[layer.gate] if layer.gate >= 0 else None
            outputs[i] = layer.forward(inputs, gate, widths, training)
            for j in layer.input + [layer.gate]:
                if j >= 0 and self.last_use[j] == i:
                    outputs.pop(j, None)
        return outputs[len(self.layers) - 1]


def step(net, optimizer, images, labels, widths_list, autocast):
    begin = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    for widths in widths_list:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            logits = net.forward(images, widths, True)
        F.cross_entropy(logits.float(), labels, label_smoothing=SMOOTHING).backward()
    optimizer.step()
    return time.perf_counter() - begin


def evaluate(net, images, labels, widths):
    begin = time.perf_counter()
    with torch.inference_mode():
        F.cross_entropy(net.forward(images, widths, False), labels).item()
    return time.perf_counter() - begin


def macs_of(net, image, widths):
    with torch.inference_mode():
        net.forward(image, widths, False)
    return sum(layer.macs for layer in net.layers)


class Work:
    """The network, a batch, and everything that is timed."""

    def __init__(self, description, autocast=False):
        self.description, self.autocast = description, autocast
        if autocast:
            # relu6 has no backward pass in bf16 (PyTorch 1.13), this has.
            ACTIVATIONS["relu6"] = lambda x: torch.clamp(x, 0, 6)
        self.net = Net(description)
        self.optimizer = torch.optim.SGD(self.net.groups(), lr=LR, momentum=MOMENTUM, nesterov=True)
        batch, size = description["batch"], description["resolution"]
        images = torch.empty(batch, description["channels"], size, size).uniform_(-1, 1)
        self.images = images.to(memory_format=torch.channels_last)
        self.labels = torch.arange(batch) % description["classes"]

    def networks(self, kind):
        """The lists of sub-networks of the steps that this kind's time is the mean of."""
        base = self.description["base"]
        if kind == "netaug":
            return [[base, drawn] for drawn in self.description["draws"]]
        return [[base, self.description["widest"]]] if kind == "widest" else [[base]]

    def seconds(self, kind):
        if kind == "eval":
            return evaluate(self.net, self.images, self.labels, self.description["base"])
        return statistics.mean(step(self.net, self.optimizer, self.images, self.labels, widths, self.autocast)
                               for widths in self.networks(kind))

    def macs(self, kind):
        return statistics.mean(sum(macs_of(self.net, self.images[:1], w) for w in widths)
                               for widths in self.networks(kind))


def peak_bytes():
    """As /proc has it: what getrusage says of a program may be its parent's."""
    with open("/proc/self/status", encoding="ascii") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def serve(work):
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["peak"]:
            print(peak_bytes(), flush=True)
        elif words[0] == "macs":
            print(work.macs(words[1]), flush=True)
        else:
            print(work.seconds(words[0]), flush=True)


def main():
    parser = argparse.ArgumentParser(description="PyTorch's time for the workload of netaug bench")
    parser.add_argument("description", help="output of netaug bench --print-widths")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5, help="rounds that the median is taken of")
    parser.add_argument("--autocast", action="store_true", help="train under torch.autocast in bf16")
    parser.add_argument("--serve", action="store_true", help="answer questions from standard input")
    given = parser.parse_args()
    with open(given.description, encoding="utf-8") as file:
        description = json.load(file)

    torch.manual_seed(1)
    torch.set_num_threads(given.threads)
    torch.set_num_interop_threads(1)
    work = Work(description, given.autocast)
    if given.serve:
        serve(work)
        return
    work.seconds("widest")
    times = {kind: [] for kind in ("base", "widest", "netaug", "eval")}
    for _ in range(given.steps):
        for kind, values in times.items():
            values.append(work.seconds(kind))
    result = {"program": "torch", "model": description["model"],
              "resolution": description["resolution"], "classes": description["classes"],
              "batch": description["batch"], "threads": given.threads,
              "draws": len(description["draws"]), "rounds": given.steps}
    result.update({name: round(statistics.median(values), 6) for name, values in times.items()})
    result["peak_bytes"] = peak_bytes()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
