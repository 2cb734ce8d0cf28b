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

Prints one line of JSON, as `netaug bench --json` does. scripts/bench/compare runs both.

SPDX-License-Identifier: GPL-3.0-or-later
"""
import argparse
import json
import resource
import statistics
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
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

    def normalise(self, x, out, training):
        return F.batch_norm(x, self.mean[:out], self.var[:out], self.gamma[:out], self.beta[:out],
                            training, BN_MOMENTUM, EPS)

    def forward(self, inputs, gate, widths, training):
        x = inputs[0]
        out, into = widths[self.out], widths[self.__dict__["in"]]
        kind = self.kind
        if kind == "conv":
            if gate is not None:
                x = x * gate
            x = F.conv2d(x, self.weight[:out, :into], self.bias1[:out] if self.has_bias else None,
                         self.stride, self.pad)
        elif kind == "depthwise":
            x = F.conv2d(x, self.weight[:out], None, self.stride, self.pad, groups=out)
        elif kind == "linear":
            x = F.linear(x.flatten(1), self.weight[:out, :into],
                         self.bias1[:out] if self.has_bias else None)
        elif kind == "squeeze":
            middle = widths[self.squeeze]
            x = F.adaptive_avg_pool2d(x, 1)
            x = F.relu(F.conv2d(x, self.weight[:middle, :into], self.bias1[:middle]), inplace=True)
            return F.hardsigmoid(F.conv2d(x, self.weight2[:out, :middle], self.bias2[:out]),
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


def step(net, optimizer, images, labels, widths_list):
    begin = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    for widths in widths_list:
        logits = net.forward(images, widths, True)
        F.cross_entropy(logits, labels, label_smoothing=SMOOTHING).backward()
    optimizer.step()
    return time.perf_counter() - begin


def evaluate(net, images, labels, widths):
    begin = time.perf_counter()
    with torch.inference_mode():
        F.cross_entropy(net.forward(images, widths, False), labels).item()
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description="PyTorch's time for the workload of netaug bench")
    parser.add_argument("description", help="output of netaug bench --print-widths")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5, help="rounds that the median is taken of")
    given = parser.parse_args()
    with open(given.description, encoding="utf-8") as file:
        description = json.load(file)

    torch.manual_seed(1)
    torch.set_num_threads(given.threads)
    torch.set_num_interop_threads(1)
    net = Net(description)
    optimizer = torch.optim.SGD(net.groups(), lr=LR, momentum=MOMENTUM, nesterov=True)
    batch, size = description["batch"], description["resolution"]
    images = torch.empty(batch, description["channels"], size, size).uniform_(-1, 1)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.arange(batch) % description["classes"]
    base, widest = description["base"], description["widest"]

    times = {"base": [], "netaug": [], "widest": [], "eval": []}
    step(net, optimizer, images, labels, [base, widest])
    for _ in range(given.steps):
        times["base"].append(step(net, optimizer, images, labels, [base]))
        times["widest"].append(step(net, optimizer, images, labels, [base, widest]))
        draws = [step(net, optimizer, images, labels, [base, d]) for d in description["draws"]]
        times["netaug"].append(statistics.mean(draws))
        times["eval"].append(evaluate(net, images, labels, base))

    result = {"program": "torch", "model": description["model"], "resolution": size,
              "classes": description["classes"], "batch": batch, "threads": given.threads,
              "draws": len(description["draws"]), "rounds": given.steps}
    result.update({name: round(statistics.median(values), 6) for name, values in times.items()})
    result["peak_bytes"] = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps(result))


if __name__ == "__main__":
    main()
