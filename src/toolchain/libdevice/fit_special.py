#!/usr/bin/env python3
"""Fits the polynomials of special.cc and writes special_coefficients.h (needs mpmath; run by hand when a fit changes).

Each function is interpolated at Chebyshev nodes in 60 digits on its interval, mapped to [-1, 1]; the result is written as
powers of the mapped variable, highest first. The printed error is the largest relative one on a fine grid.
"""
from mpmath import *

mp.dps = 60


def fit(name, f, a, b, degree, out):
    n = degree + 1
    nodes = [cos(pi * (2 * k + 1) / (2 * n)) for k in range(n)]
    values = [f((a + b) / 2 + (b - a) / 2 * t) for t in nodes]
    cheb = [2 / mpf(n) * sum(values[k] * cos(pi * j * (2 * k + 1) / (2 * n)) for k in range(n)) for j in range(n)]
    cheb[0] /= 2
    powers = [mpf(0)] * n
    older, old = [mpf(1)], [mpf(0), mpf(1)]
    for j in range(n):
        t = older if j == 0 else old
        for i, c in enumerate(t):
            powers[i] += cheb[j] * c
        if j >= 1:
            new = [mpf(0)] + [2 * c for c in old]
            for i, c in enumerate(older):
                new[i] -= c
            older, old = old, new
    worst = 0
    for k in range(401):
        t = mpf(k) / 200 - 1
        exact = f((a + b) / 2 + (b - a) / 2 * t)
        got = polyval(powers[::-1], t)
        if exact != 0:
            worst = max(worst, abs(got / exact - 1))
    print(name, "degree", degree, "relative error", nstr(worst, 3))
    out.write("#define %s \\\n    %s\n" % (name, ", \\\n    ".join(float(c).hex() for c in powers[::-1])))


with open("special_coefficients.h", "w") as out:
    out.write("// Written by fit_special.py: coefficients, highest power first, of polynomials in a variable mapped to [-1, 1].\n#pragma once\n\n")
    # erf(sqrt(z)) / sqrt(z), z in [0, 1]
    fit("ANYWARP_ERF_SMALL", lambda z: erf(sqrt(z)) / sqrt(z) if z > 1e-40 else 2 / sqrt(pi), mpf(0), mpf(1), 11, out)
    # (1 + 2x) erfcx(x) for x >= 0.4 over t = (x - 3)/(x + 3)
    def scaled(t):
        if t >= 1 - mpf(10) ** -25:
            return 2 / sqrt(pi)
        x = 3 * (1 + t) / (1 - t)
        if x > 100:
            s, term = mpf(1), mpf(1)
            for k in range(1, 30):
                term *= -(2 * k - 1) / (2 * x * x)
                s += term
            return (1 + 2 * x) * s / (x * sqrt(pi))
        mp.dps = 60 + int(x * x * 0.87)
        r = (1 + 2 * x) * exp(x * x) * erfc(x)
        mp.dps = 60
        return r
    fit("ANYWARP_ERFCX", scaled, (mpf("0.4") - 3) / (mpf("0.4") + 3), mpf(1), 24, out)
    # gamma on [1, 2] and lgamma / ((x - 1)(x - 2)) on [0.5, 3]
    fit("ANYWARP_GAMMA", gamma, mpf(1), mpf(2), 22, out)
    def q(x):
        if abs(x - 1) < mpf(10) ** -20:
            return euler
        if abs(x - 2) < mpf(10) ** -20:
            return 1 - euler
        return loggamma(x) / ((x - 1) * (x - 2))
    fit("ANYWARP_LGAMMA_LOW", q, mpf(1) / 2, mpf(3) / 2, 26, out)
    fit("ANYWARP_LGAMMA_HIGH", q, mpf(3) / 2, mpf(3), 22, out)
