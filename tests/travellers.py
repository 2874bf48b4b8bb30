"""Every kind of public object, and the digest of all that it is: what must be the same in another process."""

import hashlib
from dataclasses import fields, is_dataclass

import numpy as np

import spinscape as sp
from known_landscapes import MuellerBrown
from spinscape import study, theory


def saddle(points):
    return points[:, 0] ** 2 - points[:, 1] ** 2


def saddle_gradient(points):
    return points * [2.0, -2.0]


def tensor(p, seed=0):
    return np.random.default_rng(seed).normal(size=(4,) * p)


def spiked():
    glass = sp.MixedGlass({2: 0.5, 3: 0.5}, 5, rng=1, dtype="float32", law="rademacher")
    return glass.with_spike(np.ones(5), 1.5, 2).with_field(np.arange(5.0), 0.3)


def starts(glass):
    return glass, glass.random_points(4, rng=1)


GLASSES = {
    "pure": lambda: sp.PureGlass(3, 6, rng=0),
    "float32": lambda: sp.PureGlass(3, 6, rng=0, dtype="float32"),
    "student": lambda: sp.PureGlass(2, 6, rng=0, law="student-t", nu=4.5),
    "regenerated": lambda: sp.PureGlass(4, 6, rng=0, couplings_storage="regenerated"),
    "given": lambda: sp.PureGlass.from_tensor(tensor(3)),
    "mixed": lambda: sp.MixedGlass({3: 0.5, 4: 0.5}, 6, rng=0),
    "mixed given": lambda: sp.MixedGlass.from_tensors({2: tensor(2), 3: tensor(3)}, xi={2: 0.25, 3: 0.75}),
    "layered": lambda: sp.LayeredGlass(3, 4, rng=0),
    "spiked": spiked,
    "part": lambda: sp.PureGlass(3, 6, rng=0).split(3)[1],
    "part of float32": lambda: sp.MixedGlass({2: 1.0, 3: 1.0}, 4, rng=0, dtype="float32").split(2)[0],
}
LANDSCAPES = {
    "slabs": lambda: study.SlabGlass(3, 6, rng=0, slabs=3),
    "functions": lambda: sp.landscape_from(saddle, saddle_gradient, size=2),
    "class": MuellerBrown,
    "on spheres": lambda: sp.on_spheres(sp.landscape_from(saddle, saddle_gradient, size=2), 2),
    "regularised": lambda: sp.regularised(sp.landscape_from(saddle, saddle_gradient, size=2), 0.5),
    "sum": lambda: 2.0 * sp.PureGlass(3, 6, rng=0) + sp.PureGlass(4, 6, rng=1),
}
METHODS = {
    "lbfgs": lambda: sp.LBFGS(history=5),
    "gradient": lambda: sp.GradientDescent(step=0.2, decay=0.1),
    "sgd": lambda: sp.SGD(schedule=sp.SGDSchedule(parts=2, order="random"), rng=3),
    "mala": lambda: sp.MALA(0.02),
    "hmc": lambda: sp.HMC(leapfrogs=3),
    "langevin": lambda: sp.Langevin(0.001),
}
PLANS = {
    "flat": lambda: sp.Domain.flat(3),
    "spheres": lambda: sp.Domain.spheres((3, 3, 2), flat=2),
    "stage": lambda: sp.ScheduleStage(3, 0.1, on_parts=True),
    "schedule": lambda: sp.SGDSchedule(parts=2),
    "annealing schedule": lambda: sp.AnnealingSchedule(steps=40, levels=4),
    "reason": lambda: sp.StopReason.no_pass,
}


def minima_and_saddles():
    found = sp.enumerate_critical_points(sp.PureGlass(3, 4, rng=0))
    return [found.points[found.index.negative == index] for index in (0, 1)]


RESULTS = {
    "Descent": lambda: sp.descend(*starts(sp.PureGlass(3, 6, rng=0)), "lbfgs", trace_every=5, ladder=[0.1]),
    "Sampling": lambda: sp.sample(*starts(sp.PureGlass(3, 6, rng=0)), beta=1, steps=3, rng=0, keep_every=1),
    "Annealing": lambda: sp.anneal(*starts(sp.PureGlass(3, 6, rng=0)), schedule=PLANS["annealing schedule"](), rng=0),
    "Tempering": lambda: sp.temper(*starts(sp.PureGlass(3, 6, rng=0)), betas=[0.5, 1], steps=3, rng=0),
    "CriticalPoints": lambda: sp.refine(*starts(sp.PureGlass(3, 6, rng=0))),
    "IndexCount": lambda: sp.count_index(*starts(sp.PureGlass(3, 6, rng=0))),
    "CriticalPointSearch": lambda: sp.find_saddles(sp.PureGlass(3, 6, rng=0), 1, 3, rng=0),
    "Enumeration": lambda: sp.enumerate_critical_points(sp.PureGlass(3, 4, rng=0)),
    "LandscapeCheck": lambda: sp.check_landscape(*starts(sp.PureGlass(3, 6, rng=0))),
    "LanczosIndex": lambda: sp.lanczos_index(np.diag([-1.0, 2.0, 3.0]), 3),
    "ExtremeEigenvalues": lambda: sp.extreme_eigenvalues(np.diag([-1.0, 2.0, 3.0]), 3, 1),
    "EnergySlice": lambda: sp.slice_energy(
        sp.PureGlass(3, 6, rng=0), sp.Domain.spheres(6).random_points(2, rng=0), np.linspace(0, 1, 5)
    ),
    "DisconnectivityTree": lambda: sp.disconnectivity_tree([-2.0, -1.0], [-0.5], [[0, 1]]),
    "DisconnectivityGraph": lambda: sp.disconnectivity_graph(sp.PureGlass(3, 4, rng=0), minima_and_saddles()[1]),
    "Connection": lambda: sp.connect(sp.PureGlass(3, 4, rng=0), *minima_and_saddles()[0][:2]),
    "MeanFieldDynamics": lambda: theory.dmft({3: 1.0}, 0.5),
    "SpectralDensity": lambda: sp.spectral_density(np.diag([-1.0, 2.0, 3.0]), 3, probes=2, rng=0),
}


def blobs():
    from spinscape import networks as nn

    return nn, nn.gaussian_blobs(4, 2, 20, 10, rng=0), nn.Architecture((4, 3, 2), activation="tanh")


def ensemble():
    nn, data, architecture = blobs()
    return nn.train_ensemble(architecture, data, 3, training=nn.Training(epochs=2), rng=0)


def network_landscape():
    nn, data, architecture = blobs()
    return nn.NetworkLandscape(architecture, "cross-entropy", data.train_inputs, data.train_targets)


def torch_landscape():
    import torch

    nn, data, _ = blobs()
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
    return nn.landscape_of(module, torch.nn.functional.cross_entropy, data.train_inputs, data.train_targets)


NETWORKS = {
    "data": lambda: blobs()[1],
    "architecture": lambda: blobs()[2],
    "training": lambda: blobs()[0].Training(epochs=2),
    "cooling": lambda: blobs()[0].Cooling(),
    "ensemble": ensemble,
    "network landscape": network_landscape,
    "torch landscape": torch_landscape,
}
OBJECTS = {
    f"{group}: {name}": make
    for group, kinds in (
        ("glass", GLASSES), ("landscape", LANDSCAPES), ("method", METHODS), ("plan", PLANS), ("result", RESULTS),
    )
    for name, make in kinds.items()
}  # fmt: skip


def parts_of(thing):
    """What an object is, as bytes and texts."""
    if isinstance(thing, np.ndarray):
        yield f"{thing.dtype}{thing.shape}".encode() + thing.tobytes()
    elif isinstance(thing, (list, tuple)):
        for item in thing:
            yield from parts_of(item)
    elif isinstance(thing, sp.Domain):
        yield repr(thing).encode() + thing.random_points(2, rng=0).tobytes()
    elif hasattr(thing, "energy") and hasattr(thing, "gradient"):
        domain = thing.domain
        points = domain.random_points(3, rng=1).astype(getattr(thing, "dtype", np.float64))
        yield type(thing).__name__.encode()
        yield from parts_of([np.asarray(thing.energy(points)), np.asarray(thing.gradient(points)), domain])
    elif is_dataclass(thing):
        yield type(thing).__name__.encode()
        yield from parts_of([getattr(thing, field.name) for field in fields(thing)])
    else:
        yield f"{type(thing).__name__} {thing!r}".encode()


def digest(thing):
    sha = hashlib.sha256()
    for part in parts_of(thing):
        sha.update(part)
    return sha.hexdigest()
