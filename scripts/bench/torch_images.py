#!/usr/bin/python3
"""Images per second of torchvision's DataLoader, to compare `netaug bench`'s JPEG pipeline with.

Reads a folder of images per class with one worker: PIL's decoder, random resized crop to 144x144,
flip, colour jitter (brightness 32/255, saturation 0.5), to a normalised tensor: the transforms of
NetAug's recipes, as the method's authors run them.

  torch_images.py FOLDER            prints images per second of a few epochs
  torch_images.py FOLDER --serve    the other half of `netaug bench --compare`: says "ready" and
                                    answers every "rate" on its input with one epoch's

SPDX-License-Identifier: GPL-3.0-or-later
"""
import argparse
import sys
import time

try:
    import torch
    from torchvision import datasets, transforms
except ImportError:
    if "--serve" in sys.argv:
        print("missing torchvision", flush=True)
        sys.exit(0)
    sys.exit("torch_images.py: torchvision is missing\n"
             "  install it: apt-get install python3-torchvision, and use /usr/bin/python3")

SIZE, BATCH = 144, 32


def make_loader(folder):
    transform = transforms.Compose([
        transforms.RandomResizedCrop(SIZE),
        transforms.RandomHorizontalFlip(),
        transforms.ColorJitter(brightness=32 / 255, saturation=0.5),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ])
    data = datasets.ImageFolder(folder, transform)
    return torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=True, num_workers=1,
                                       persistent_workers=True)


def rate(loader):
    begin = time.perf_counter()
    images = sum(len(labels) for _, labels in loader)
    return images / (time.perf_counter() - begin)


def main():
    parser = argparse.ArgumentParser(description="images per second of torchvision's DataLoader")
    parser.add_argument("folder", nargs="?", default=".",
                        help="a folder with a folder of images per class")
    parser.add_argument("--probe", action="store_true", help="say that torchvision is there, no more")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help="answer questions from standard input")
    given = parser.parse_args()
    if given.probe:
        print("ready", flush=True)
        return
    torch.set_num_threads(given.threads)
    loader = make_loader(given.folder)
    rate(loader)  # starts the worker, and reads the files into the system's cache
    if not given.serve:
        for _ in range(given.epochs):
            print(f"{rate(loader):.0f} images/s")
        return
    print("ready", flush=True)
    for _ in sys.stdin:
        print(rate(loader), flush=True)


if __name__ == "__main__":
    main()
