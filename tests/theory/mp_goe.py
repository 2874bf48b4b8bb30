"""The GOE in mpmath, written from the definitions: oracles for the theory tests, which share no code with the package.

One-point density: the sum over Hermite functions of Mehta's book. Density of the k-th eigenvalue: de Bruijn's Pfaffian
of the joint density with one eigenvalue held at y.
"""

import mpmath as mp


def one_point_density(y, N):
    """R_N(y), Mehta's scale, to the working precision."""
    y = mp.mpf(y)
    phi = [mp.pi ** mp.mpf("-0.25") * mp.exp(-y * y / 2)]
    phi.append(y * mp.sqrt(2) * phi[0])
    primitive = [mp.pi ** mp.mpf("-0.25") * mp.sqrt(mp.pi / 2) * mp.erfc(-y / mp.sqrt(2)), -mp.sqrt(2) * phi[0]]
    for j in range(1, N):
        ratio, up = mp.sqrt(mp.mpf(j) / (j + 1)), mp.sqrt(mp.mpf(2) / (j + 1))
        phi.append(y * up * phi[j] - ratio * phi[j - 1])
        primitive.append(ratio * primitive[j - 1] - up * phi[j])
    density = mp.fsum(f * f for f in phi[:N])
    density += mp.sqrt(mp.mpf(N) / 2) * phi[N - 1] * (primitive[N] - total_primitive(N) / 2)
    return density + (phi[N - 1] / total_primitive(N - 1) if N % 2 else 0)


def total_primitive(j):
    """The integral of the j-th Hermite function over the line."""
    if j % 2:
        return mp.mpf(0)
    return mp.sqrt(2) * mp.pi ** mp.mpf("0.25") * mp.sqrt(mp.binomial(j, j // 2) / mp.mpf(2) ** j)


def ordered_densities(y, N):
    """Densities of lambda_0 <= ... <= lambda_{N-1} at y, Mehta's scale; exact, N up to 25."""
    with mp.workdps(60 + 10 * N):
        y, n = mp.mpf(y), N - 1
        above, m_above = _half_line(y, n)
        below, m_below = _half_line(-y, n)
        below = [[-((-1) ** (i + j)) * below[i][j] for j in range(n)] for i in range(n)]
        m_below = [(-1) ** i * m_below[i] for i in range(n)]
        points = [mp.mpf(z) for z in range(N)]
        values = []
        for z in points:
            matrix = [
                [
                    above[i][j] + z * (m_below[i] * m_above[j] - m_above[i] * m_below[j]) + z * z * below[i][j]
                    for j in range(n)
                ]
                for i in range(n)
            ]
            if n % 2:
                border = [m_above[i] + z * m_below[i] for i in range(n)]
                matrix = [[*row, b] for row, b in zip(matrix, border, strict=True)] + [
                    [-b for b in border] + [mp.mpf(0)]
                ]
            values.append(pfaffian(matrix))
        vandermonde = mp.matrix([[z**k for k in range(N)] for z in points])
        coefficients = mp.lu_solve(vandermonde, mp.matrix(values))
        partition = mp.fprod(mp.gamma(1 + mp.mpf(j) / 2) / mp.gamma(mp.mpf(3) / 2) for j in range(1, N + 1))
        factor = mp.factorial(N) * mp.exp(-y * y / 2) / (partition * (2 * mp.pi) ** (mp.mpf(N) / 2))
        return [abs(factor * c) for c in coefficients]


def _half_line(y, n):
    """Skew moments and moments of t^i, weight t exp(-(t + y)^2/2) on (0, inf), i < n."""
    single = _moments(y, mp.mpf(1) / 2, n + 1)
    double = _moments(y, mp.mpf(1), 2 * n + 2)
    nested = [[mp.mpf(0)] * (n + 1) for _ in range(n + 1)]  # of s^j and, inside (0, s), t^i
    nested[0][0] = single[0] ** 2 / 2
    for j in range(1, n + 1):
        nested[0][j] = double[j - 1] - y * nested[0][j - 1] + ((j - 1) * nested[0][j - 2] if j > 1 else 0)
    for i in range(1, n + 1):
        for j in range(n + 1):
            value = -double[i + j - 1] - y * nested[i - 1][j]
            value += (i - 1) * nested[i - 2][j] if i > 1 else mp.exp(-y * y / 2) * single[j]
            nested[i][j] = value
    skew = [[2 * nested[i + 1][j + 1] - single[i + 1] * single[j + 1] for j in range(n)] for i in range(n)]
    return skew, single[1 : n + 1]


def _moments(y, half, count):
    """Integrals over (0, inf) of s^k exp(-half (s + y)^2), k < count."""
    root = mp.sqrt(half)
    moments = [mp.sqrt(mp.pi) / (2 * root) * mp.erfc(root * y)]
    moments.append(mp.exp(-half * y * y) / (2 * half) - y * moments[0])
    for k in range(2, count):
        moments.append((k - 1) * moments[k - 2] / (2 * half) - y * moments[k - 1])
    return moments


def pfaffian(matrix):
    """Pfaffian of an antisymmetric matrix (list of rows), by elimination with pivoting."""
    a = [list(row) for row in matrix]
    size, value = len(a), mp.mpf(1)
    for k in range(0, size, 2):
        pivot = max(range(k + 1, size), key=lambda i: abs(a[k][i]))
        if pivot != k + 1:
            for row in a:
                row[k + 1], row[pivot] = row[pivot], row[k + 1]
            a[k + 1], a[pivot] = a[pivot], a[k + 1]
            value = -value
        value *= a[k][k + 1]
        for i in range(k + 2, size):
            first, second = a[k][i] / a[k][k + 1], a[k + 1][i] / a[k][k + 1]
            for j in range(k + 2, size):
                a[i][j] += second * a[k][j] - first * a[k + 1][j]
    return value
