#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the table of tests/operation_values.h: what torchvision (on Pillow's images) makes of two
generated images by each operation of RandAugment and AutoAugment. Debian: python3-torchvision."""
import PIL
import torchvision
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.autoaugment import _apply_op

MASK = (1 << 64) - 1


def bits(stream, index):
    """na_random_bits (core/base/random.h)."""
    z = ((stream << 32) + index + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
    return z ^ z >> 31


def image(channels, height, width):
    """Noise around a slope, without the darkest and the brightest values, as the test makes it."""
    data = bytes(
        30 + 20 * c + (5 * x + 3 * y) % 111 + bits(1, (y * width + x) * channels + c) % 50
        for y in range(height) for x in range(width) for c in range(channels))
    return Image.frombytes("RGB" if channels == 3 else "L", (width, height), data)


def fnv(data):
    value = 14695981039346656037
    for byte in data:
        value = ((value ^ byte) * 1099511628211) & MASK
    return value


WORDS = {
    "Identity": [0], "ShearX": [0.09, -0.3], "ShearY": [0.27, -0.13], "TranslateX": [5.9, -3],
    "TranslateY": [4, -2.5], "Rotate": [9, -30], "Brightness": [0.27, -0.6, 0.9],
    "Color": [0.5, -0.9], "Contrast": [0.9, -0.33], "Sharpness": [0.9, -0.27],
    "Posterize": [7, 4], "Solarize": [170, 76.5, 0], "AutoContrast": [0], "Equalize": [0], "Invert": [0],
}
SYMBOLS = {"ShearX": "SHEAR_X", "ShearY": "SHEAR_Y", "TranslateX": "TRANSLATE_X", "TranslateY": "TRANSLATE_Y"}

print(f"/* By tests/pil_operations.py: torchvision {torchvision.__version__}, Pillow {PIL.__version__}.")
print(" * SPDX-License-Identifier: GPL-3.0-or-later */")
for word, magnitudes in WORDS.items():
    for magnitude in magnitudes:
        found = []
        for channels, height, width in (3, 26, 31), (1, 33, 24):
            out = _apply_op(image(channels, height, width), word, magnitude, InterpolationMode.NEAREST, None)
            data = out.tobytes()
            pixels = [data[(y * width + x) * channels] for x, y in ((0, 0), (11, 7), (23, 25))]
            found.append(f"0x{fnv(data):016x}, {{{pixels[0]}, {pixels[1]}, {pixels[2]}}}")
        print(f"{{NA_OP_{SYMBOLS.get(word, word.upper())}, {magnitude}, {{{{{found[0]}}}, {{{found[1]}}}}}}},")
