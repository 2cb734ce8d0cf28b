#!/usr/bin/python3
"""The network `tiny` in plain PyTorch, with random weights and statistics: writes its state_dict, and
prints its loss and top-1 accuracy on IDX images, for `netaug eval` of the converted weights to repeat.

  torch_tiny.py FOLDER OUT.pth

SPDX-License-Identifier: GPL-3.0-or-later
"""
import sys

import numpy
import torch
import torch.nn as nn
import torch.nn.functional as F


class Layer(nn.Module):
    def __init__(self, i, o, k, stride=1, groups=1, act=True):
        super().__init__()
        self.conv = nn.Conv2d(i, o, k, stride, k // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(o)
        self.act = act

    def forward(self, x):
        x = self.norm(self.conv(x))
        return F.relu6(x) if self.act else x


class Block(nn.Module):
    def __init__(self, i, mid, o, stride=1, expand=True):
        super().__init__()
        if expand:
            self.inverted_conv = Layer(i, mid, 1)
        self.depth_conv = Layer(mid, mid, 3, stride, mid)
        self.point_conv = Layer(mid, o, 1, act=False)

    def forward(self, x):
        if hasattr(self, "inverted_conv"):
            x = self.inverted_conv(x)
        return self.point_conv(self.depth_conv(x))


class Shell(nn.Module):
    def __init__(self, conv, residual=False):
        super().__init__()
        self.conv = conv
        self.residual = residual

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class Ops(nn.Module):
    def __init__(self, *ops):
        super().__init__()
        self.op_list = nn.ModuleList(ops)

    def forward(self, x):
        for op in self.op_list:
            x = op(x)
        return x


class Classifier(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.linear = nn.Linear(i, o)

    def forward(self, x):
        return self.linear(x.flatten(1))


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.input_stem = Ops(Layer(1, 8, 3, 2), Shell(Block(8, 8, 8, expand=False)))
        self.backbone.stages = nn.ModuleList([
            Ops(Shell(Block(8, 32, 16, 2))),
            Ops(Shell(Block(16, 64, 24, 2)), Shell(Block(24, 96, 24), residual=True))])
        self.head = Ops(Layer(24, 64, 1), nn.AdaptiveAvgPool2d(1), Classifier(64, 10))

    def forward(self, x):
        x = self.backbone.input_stem(x)
        for stage in self.backbone.stages:
            x = stage(x)
        return self.head(x)


def read(path, header):
    return numpy.frombuffer(open(path, "rb").read(), numpy.uint8, offset=header)


folder, out = sys.argv[1:]
images = read(f"{folder}/t10k-images-idx3-ubyte", 16).reshape(-1, 1, 16, 16)
labels = torch.from_numpy(read(f"{folder}/t10k-labels-idx1-ubyte", 8).astype(numpy.int64))
x = (torch.from_numpy(images.astype(numpy.float32)) / 255 - 0.5) / 0.25

torch.manual_seed(3)
net = Tiny().eval()
with torch.no_grad():
    for name, value in list(net.named_parameters()) + list(net.named_buffers()):
        if value.dim() == 1:
            value.uniform_(0.5, 1.5)
    logits = net(x)
torch.save(net.state_dict(), out)
top1 = (logits.argmax(1) == labels).float().mean().item()
print(f"{F.cross_entropy(logits, labels).item():.4f} {100 * top1:.2f}%")
