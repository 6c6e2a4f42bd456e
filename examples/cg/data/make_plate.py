#!/usr/bin/env python3
"""Writes plate.mtx: heat in a square plate with a round hole, made of two materials, by linear finite elements.

The points of a grid are moved at random, each square is cut into two triangles, and triangles in the hole are left out. The
stiffness matrix of all triangles plus a little mass (heat lost to the air) is symmetric and positive definite."""
import random

N = 46
random.seed(1)
points = {}
for i in range(N):
    for j in range(N):
        inner = 0 < i < N - 1 and 0 < j < N - 1
        move = 0.25 if inner else 0.0
        points[i, j] = ((i + random.uniform(-move, move)) / (N - 1), (j + random.uniform(-move, move)) / (N - 1))
triangles = []
for i in range(N - 1):
    for j in range(N - 1):
        if (i + j) % 2:
            triangles += [((i, j), (i + 1, j), (i + 1, j + 1)), ((i, j), (i + 1, j + 1), (i, j + 1))]
        else:
            triangles += [((i, j), (i + 1, j), (i, j + 1)), ((i + 1, j), (i + 1, j + 1), (i, j + 1))]
entries, numbers = {}, {}
for triangle in triangles:
    p = [points[corner] for corner in triangle]
    x, y = sum(q[0] for q in p) / 3, sum(q[1] for q in p) / 3
    if (x - 0.6) ** 2 + (y - 0.5) ** 2 < 0.04:
        continue
    conductivity = 40.0 if x < 0.4 else 1.0
    for corner in triangle:
        numbers.setdefault(corner, len(numbers) + 1)
    twice_area = (p[1][0] - p[0][0]) * (p[2][1] - p[0][1]) - (p[2][0] - p[0][0]) * (p[1][1] - p[0][1])
    gradients = [(p[(k + 1) % 3][1] - p[(k + 2) % 3][1], p[(k + 2) % 3][0] - p[(k + 1) % 3][0]) for k in range(3)]
    for a in range(3):
        for b in range(3):
            row, column = numbers[triangle[a]], numbers[triangle[b]]
            if row < column:
                continue
            stiffness = conductivity * (gradients[a][0] * gradients[b][0] + gradients[a][1] * gradients[b][1]) / (2 * twice_area)
            mass = 0.5 * twice_area / 24 * (2 if a == b else 1)
            entries[column, row] = entries.get((column, row), 0.0) + stiffness + mass
with open("plate.mtx", "w", encoding="ascii") as out:
    out.write("%%MatrixMarket matrix coordinate real symmetric\n")
    out.write("% Heat in a plate with a hole, linear finite elements; written by make_plate.py\n")
    out.write(f"{len(numbers)} {len(numbers)} {len(entries)}\n")
    for (column, row), value in sorted(entries.items()):
        out.write(f"{row} {column} {value:.9g}\n")
