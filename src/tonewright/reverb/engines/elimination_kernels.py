"""Compiled loops of the elimination: many bins side by side, the pivots taken in order.

Bins are packed by `LANES`: a row of an array (rows, lanes) holds one number of each of `LANES` neighbouring
bins side by side, real and imaginary parts in arrays of their own, so that every innermost loop is a vector
operation. All arrays have two dimensions and are passed with a row to start at: compilation is short.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit

LANES = 64
# Numbers that are not finite are allowed: a bin whose pivot vanishes holds them until it is solved again.
_njit: Any = partial(
    njit, cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"}
)
_inner = _njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
_outer = _njit()


@_inner
def _subtract(xr, xi, x, yr, yi, y, tr, ti, t, count):
    """Subtract row t times `count` rows from y on from those from x on."""
    for j in range(count):
        for lane in range(LANES):
            xr[x + j, lane] -= tr[t, lane] * yr[y + j, lane] - ti[t, lane] * yi[y + j, lane]
            xi[x + j, lane] -= tr[t, lane] * yi[y + j, lane] + ti[t, lane] * yr[y + j, lane]


@_inner
def _scale(xr, xi, x, tr, ti, t):
    """Multiply row x by row t."""
    for lane in range(LANES):
        real = xr[x, lane]
        xr[x, lane] = real * tr[t, lane] - xi[x, lane] * ti[t, lane]
        xi[x, lane] = real * ti[t, lane] + xi[x, lane] * tr[t, lane]


@_inner
def _fill(xr, xi, dr, di, d, a, b):
    """Rows of [I − diag(d) A, diag(d) B]."""
    lines, width = a.shape[0], a.shape[0] + b.shape[1]
    for i in range(lines):
        for j in range(width):
            factor = -a[i, j] if j < lines else b[i, j - lines]
            for lane in range(LANES):
                xr[i * width + j, lane] = factor * dr[d + i, lane]
                xi[i * width + j, lane] = factor * di[d + i, lane]
        for lane in range(LANES):
            xr[i * width + i, lane] += 1


@_inner
def _eliminate(xr, xi, lines, width, pivots, n):
    """Factors in place of the matrix, inverse pivots on the diagonal, right-hand sides eliminated along."""
    for k in range(lines):
        pivot = k * width + k
        for lane in range(LANES):
            size = xr[pivot, lane] ** 2 + xi[pivot, lane] ** 2
            if k < lines - 1:
                pivots[n, lane] = min(pivots[n, lane], size)
            xr[pivot, lane] /= size
            xi[pivot, lane] /= -size
        for i in range(k + 1, lines):
            first = i * width + k
            _scale(xr, xi, first, xr, xi, pivot)
            _subtract(xr, xi, first + 1, xr, xi, pivot + 1, xr, xi, first, width - k - 1)


@_inner
def _substitute(xr, xi, lines, width):
    """Solve with the upper factor, in place of the right-hand sides."""
    for k in range(lines - 1, -1, -1):
        solved = k * width + lines
        for j in range(width - lines):
            _scale(xr, xi, solved + j, xr, xi, k * width + k)
        for i in range(k):
            _subtract(xr, xi, i * width + lines, xr, xi, solved, xr, xi, i * width + k, width - lines)


@_inner
def _solve_transposed(xr, xi, lines, width, vr, vi, v):
    """Solve with the transposed factors, in place of the rows of one right-hand side."""
    for k in range(lines):
        pivot = k * width + k
        _scale(vr, vi, v + k, xr, xi, pivot)
        _subtract(vr, vi, v + k + 1, xr, xi, pivot + 1, vr, vi, v + k, lines - k - 1)
    for k in range(lines - 1, 0, -1):
        _subtract(vr, vi, v, xr, xi, k * width, vr, vi, v + k, k)


@_inner
def _error(ur, ui, u, vr, vi, v, dr, di, d, b, c, work, errors, n):
    """Squared difference between c U and v diag(d) B at the first output and input, relative to |c|² |u|²."""
    inputs = b.shape[1]
    power = work.dtype.type(0)
    work.fill(0)
    for k in range(b.shape[0]):
        power += c[0, k] ** 2
        for lane in range(LANES):
            real, imaginary = ur[u + k * inputs, lane], ui[u + k * inputs, lane]
            work[2, lane] += real**2 + imaginary**2
            loop_real, loop_imaginary = dr[d + k, lane], di[d + k, lane]
            left_real, left_imaginary = vr[v + k, lane], vi[v + k, lane]
            real = c[0, k] * real - b[k, 0] * (left_real * loop_real - left_imaginary * loop_imaginary)
            imaginary = c[0, k] * imaginary - b[k, 0] * (
                left_real * loop_imaginary + left_imaginary * loop_real
            )
            work[0, lane] += real
            work[1, lane] += imaginary
    for lane in range(LANES):
        error = work[0, lane] ** 2 + work[1, lane] ** 2
        errors[n, lane] = error / (power * work[2, lane] + 1e-30)


@_outer
def solve(dr, di, a, b, c, ur, ui, vr, vi, hr, hi, pivots, errors):
    """Solve every bin from the left and from the right.

    Parameters
    ----------
    dr, di : (chunks · lines, lanes) loop terms
    a, b, c : the matrices
    ur, ui : (chunks · lines · inputs, lanes) becomes (I − diag(d) A)⁻¹ diag(d) B
    vr, vi : (chunks · outputs · lines, lanes) becomes (I − diag(d) A)⁻ᵀ Cᵀ
    hr, hi : (chunks · outputs · inputs, lanes) gets C U added
    pivots : (chunks, lanes) becomes the smallest |pivot|² before the last
    errors : (chunks, lanes) becomes the squared error of one entry of H, relative to what it is made of
    """
    lines, inputs, outputs = a.shape[0], b.shape[1], c.shape[0]
    width = lines + inputs
    xr = np.empty((lines * width, LANES), dr.dtype)
    xi, work = np.empty_like(xr), np.empty((3, LANES), dr.dtype)
    for n in range(pivots.shape[0]):
        u, v, h, d = n * lines * inputs, n * outputs * lines, n * outputs * inputs, n * lines
        _fill(xr, xi, dr, di, d, a, b)
        _eliminate(xr, xi, lines, width, pivots, n)
        _substitute(xr, xi, lines, width)
        for k in range(lines):
            for i in range(inputs):
                for lane in range(LANES):
                    ur[u + k * inputs + i, lane] = xr[k * width + lines + i, lane]
                    ui[u + k * inputs + i, lane] = xi[k * width + lines + i, lane]
        for o in range(outputs):
            for k in range(lines):
                for lane in range(LANES):
                    vr[v + o * lines + k, lane] = c[o, k]
                    vi[v + o * lines + k, lane] = 0
                factor = c[o, k]
                for i in range(inputs):
                    for lane in range(LANES):
                        hr[h + o * inputs + i, lane] += factor * ur[u + k * inputs + i, lane]
                        hi[h + o * inputs + i, lane] += factor * ui[u + k * inputs + i, lane]
            _solve_transposed(xr, xi, lines, width, vr, vi, v + o * lines)
        _error(ur, ui, u, vr, vi, v, dr, di, d, b, c, work, errors, n)


@_inner
def _real_sum(xr, xi, x, yr, yi, y, count, sign):
    """Sum of xr yr + sign xi yi over `count` rows."""
    same, other = xr.dtype.type(0), xr.dtype.type(0)
    for j in range(count):
        for lane in range(LANES):
            same += xr[x + j, lane] * yr[y + j, lane]
            other += xi[x + j, lane] * yi[y + j, lane]
    return same + sign * other


@_inner
def _loop_gradient(wr, wi, ur, ui, u, a, b, sr, si, er, ei, e):
    """∂L/∂d of one chunk: the conjugate of the sum over the inputs of W (B + A U)."""
    lines, inputs = b.shape
    for k in range(lines):
        for i in range(inputs):
            for lane in range(LANES):
                sr[k * inputs + i, lane], si[k * inputs + i, lane] = b[k, i], 0
    for k in range(lines):
        for m in range(lines):
            factor = a[k, m]
            for i in range(inputs):
                for lane in range(LANES):
                    sr[k * inputs + i, lane] += factor * ur[u + m * inputs + i, lane]
                    si[k * inputs + i, lane] += factor * ui[u + m * inputs + i, lane]
        for w in range(k * inputs, (k + 1) * inputs):
            for lane in range(LANES):
                er[e + k, lane] += wr[w, lane] * sr[w, lane] - wi[w, lane] * si[w, lane]
                ei[e + k, lane] -= wr[w, lane] * si[w, lane] + wi[w, lane] * sr[w, lane]


@_inner
def _delay_gradient(dr, di, er, ei, d, omega, n, gm):
    """Add the gradient of the delays of one chunk: Σ ω Im(conj(∂L/∂d) d)."""
    for k in range(gm.size):
        total = omega.dtype.type(0)
        for lane in range(LANES):
            turned = er[d + k, lane] * di[d + k, lane] - ei[d + k, lane] * dr[d + k, lane]
            total += omega[n, lane] * turned
        gm[k] += total


@_outer
def pull(dr, di, a, b, ur, ui, vr, vi, gr, gi, ga, gb, gc, er, ei, omega, gm):
    """Gradients from those of H.

    Parameters
    ----------
    dr, di, a, b, ur, ui, vr, vi : as left by `solve`
    gr, gi : (chunks · outputs · inputs, lanes) minus the conjugate gradient of H, 0 where a chunk is padded
    ga, gb, gc : gradients of A, B and C, added to
    er, ei : (chunks · lines, lanes) gets the gradient of the loop terms added; (0, lanes): not wanted
    omega : (chunks, lanes) radians per sample
    gm : (lines,) gradient of the delays, added to
    """
    lines, inputs, outputs = a.shape[0], b.shape[1], gc.shape[0]
    wr = np.empty((lines * inputs, LANES), dr.dtype)
    wi, sr, si = np.empty_like(wr), np.empty_like(wr), np.empty_like(wr)
    for n in range(dr.shape[0] // lines):
        u, v, g, d = n * lines * inputs, n * outputs * lines, n * outputs * inputs, n * lines
        wr.fill(0)
        wi.fill(0)
        for k in range(lines):
            for o in range(outputs):
                gc[o, k] -= _real_sum(gr, gi, g + o * inputs, ur, ui, u + k * inputs, inputs, -1)
                _subtract(wr, wi, k * inputs, gr, gi, g + o * inputs, vr, vi, v + o * lines + k, inputs)
        if er.shape[0]:
            _loop_gradient(wr, wi, ur, ui, u, a, b, sr, si, er, ei, d)
            _delay_gradient(dr, di, er, ei, d, omega, n, gm)
        for k in range(lines):
            for i in range(inputs):
                _scale(wr, wi, k * inputs + i, dr, di, d + k)
                for lane in range(LANES):
                    gb[k, i] += wr[k * inputs + i, lane]
            for m in range(lines):
                ga[k, m] += _real_sum(wr, wi, k * inputs, ur, ui, u + m * inputs, inputs, -1)
