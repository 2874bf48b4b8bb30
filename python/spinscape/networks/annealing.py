"""Simulated annealing of networks with one hidden layer: Metropolis at falling temperature, one weight at a time.

A move proposes a new value for one parameter of each network and is accepted with probability min(1, e^{−ΔL/T}), L the
mean training loss. The temperature falls geometrically over the sweeps, T_s = hot (cold/hot)^{s/(sweeps−1)}, and is
constant within a sweep of P moves. Pre-activations and outputs of all samples are kept, so that a move costs a few
operations a sample and output, not a pass through the network. Moves are symmetric (see `Cooling.levels`), so that at
a constant temperature the chain has the law e^{−L/T} on its domain.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spinscape import memory
from spinscape.arrays import as_integer
from spinscape.networks.annealing_schedule import Cooling as Cooling
from spinscape.networks.architecture import INIT, MOVES, Architecture, network_stream
from spinscape.networks.batched import activate, expanded, placed, product
from spinscape.networks.data import Data
from spinscape.networks.ensembles import Ensemble, Samples, as_settings, evaluated, require_match
from spinscape.networks.losses import Loss, as_loss
from spinscape.networks.tensors import tensor_of
from spinscape.networks.torch_state import one_torch_thread
from spinscape.randomness import RNG, seed_from


def anneal_ensemble(
    architecture: Architecture,
    data: Data,
    count: int,
    *,
    loss: str = "cross-entropy",
    cooling: Cooling | None = None,
    rng: RNG = None,
    first: int = 0,
) -> Ensemble:
    """Anneal networks first .. first + count - 1, all at once on one thread; the result is that of `train_ensemble`.

    architecture : one hidden layer. Real weights start at its initial law, levels at uniformly drawn ones.
    rng : seed; a network's moves are functions of (seed, its number).
    """
    chosen = as_loss(loss)
    require_match(architecture, data, chosen)
    if len(architecture.widths) != 3 or architecture.residual:
        raise ValueError(f"architecture: expected one hidden layer without residual, got {architecture.widths}")
    settings = as_settings(cooling, Cooling, "cooling")
    count, first, seed = as_integer(count, "count", 1), as_integer(first, "first", 0), seed_from(rng)
    networks, samples_of_all = range(first, first + count), count * len(data.train_inputs)
    memory.require(
        4 * samples_of_all * (3 * architecture.widths[1] + 6 * architecture.outputs)
        + 72 * count * architecture.parameters,
        f"count: {count} networks of {architecture.parameters} parameters on {len(data.train_inputs)} samples",
    )
    with one_torch_thread(), torch.no_grad():
        samples = Samples(data, np.dtype(np.float32))
        chain = _Chain(architecture, samples, chosen, settings, seed, networks)
        for sweep in range(settings.sweeps):
            chain.sweep(sweep)
        theta = chain.theta()
        columns = evaluated(architecture, samples, chosen, theta)
    return Ensemble(
        parameters=np.ascontiguousarray(theta.numpy()),
        **columns,
        epochs=np.full(count, settings.sweeps),
        converged=np.zeros(count, dtype=bool),
        architecture=architecture,
        loss=loss,
        training=settings,
        seed=seed,
    )


class _Chain:
    """The state of a block of networks: parameters, pre-activations and outputs of every sample.

    Incoming weights are (networks, inputs + 1, n), the bias the weight of an input that is 1; outgoing ones likewise.
    Sample axes are last, so that a unit's or an output's samples lie side by side.
    """

    def __init__(
        self,
        architecture: Architecture,
        samples: Samples,
        loss: Loss,
        settings: Cooling,
        seed: int,
        networks: range,
    ) -> None:
        self.architecture, self.loss, self.settings = architecture, loss, settings
        self.seed, self.networks = seed, networks
        self.rows = torch.arange(len(networks))
        self.targets = samples.targets
        ones = torch.ones(1, len(samples))
        self.inputs = torch.cat([samples.inputs.T.contiguous(), ones]) if architecture.biases else samples.inputs.T
        self.inputs = self.inputs.contiguous()
        self.values = placed(tensor_of(self._start()).float())
        self.steps = torch.full((len(networks),), float(settings.step))
        self.refresh()

    def _start(self) -> NDArray[np.float64]:
        if self.settings.levels is None:
            return self.architecture.drawn(self.seed, self.networks)
        size = self.architecture.parameters
        levels = np.array(self.settings.levels)
        return np.array([levels[self._stream(n, INIT).integers(len(levels), size=size)] for n in self.networks])

    def _stream(self, network: int, purpose: int, part: int = 0) -> np.random.Generator:
        return network_stream(self.seed, network, purpose, part)

    def theta(self) -> Tensor:
        """Return the flat parameters."""
        return self.values

    def refresh(self) -> None:
        """Compute everything kept from the parameters: rounding of many small updates does not add up."""
        first, second = self.architecture.layers
        count, biased = len(self.networks), int(self.architecture.biases)
        incoming = self.values[:, : first.stop].view(count, first.fan_in + biased, first.fan_out)
        outgoing = self.values[:, second.start :].view(count, second.fan_in + biased, second.fan_out)
        self.incoming, self.outgoing = incoming, outgoing
        self.raw = product(incoming.transpose(1, 2), expanded(self.inputs, count))
        self.hidden = activate(self.architecture.activation, self.raw.clone())
        if biased:
            self.hidden = torch.cat([self.hidden, torch.ones(count, 1, self.raw.shape[2])], 1)
        self.outputs = product(outgoing.transpose(1, 2), placed(self.hidden))
        self.energy = self._energy(self.outputs)

    def sweep(self, number: int) -> None:
        """Propose P moves to every network at one temperature."""
        self.refresh()
        size, first = self.architecture.parameters, self.architecture.layers[0]
        streams = [self._stream(network, MOVES, number) for network in self.networks]
        # Which layer a move belongs to is common to the block; everything else is a network's own.
        lower = np.random.default_rng([self.seed, number]).random(size) < first.stop / size
        where = np.stack([s.random(size) for s in streams])
        change = np.stack([self._changes(s, size) for s in streams])
        uphill = self.settings.temperature(number) * np.stack([s.exponential(size=size) for s in streams])
        barrier = torch.from_numpy(uphill)
        accepted = torch.zeros(len(streams))
        for move in range(size):
            start, stop = (0, first.stop) if lower[move] else (first.stop, size)
            place = torch.from_numpy(start + (where[:, move] * (stop - start)).astype(np.int64))
            new = self._proposed(place, torch.from_numpy(change[:, move]))
            step = self._try_incoming if lower[move] else self._try_outgoing
            accepted += step(place, new, barrier[:, move])
        faster = accepted / size > 0.44
        self.steps *= torch.where(faster, 1.1, 1 / 1.1)

    def _changes(self, stream: np.random.Generator, size: int) -> NDArray[Any]:
        levels = self.settings.levels
        return stream.normal(size=size) if levels is None else stream.integers(1, len(levels), size=size)

    def _proposed(self, place: Tensor, change: Tensor) -> Tensor:
        present = self.values[self.rows, place]
        if self.settings.levels is None:
            return present + self.steps * change.float()
        levels = torch.tensor(self.settings.levels)
        number = (levels - present[:, None]).abs().argmin(1)
        return levels[(number + change) % len(levels)]

    def _try_incoming(self, place: Tensor, new: Tensor, barrier: Tensor) -> Tensor:
        width = self.architecture.layers[0].fan_out
        source, unit = place // width, place % width
        shift = new - self.values[self.rows, place]
        raw = torch.addcmul(self.raw[self.rows, unit], shift[:, None], self.inputs[source])
        hidden = activate(self.architecture.activation, raw.clone())
        change = hidden - self.hidden[self.rows, unit]
        outputs = torch.addcmul(self.outputs, self.outgoing[self.rows, unit][:, :, None], change[:, None, :])
        taken = self._accept(outputs, place, new, barrier)
        rows, units = self.rows[taken], unit[taken]
        self.raw[rows, units], self.hidden[rows, units] = raw[taken], hidden[taken]
        return taken

    def _try_outgoing(self, place: Tensor, new: Tensor, barrier: Tensor) -> Tensor:
        second = self.architecture.layers[1]
        unit, output = (place - second.start) // second.fan_out, (place - second.start) % second.fan_out
        shift = new - self.values[self.rows, place]
        outputs = self.outputs.clone()
        outputs[self.rows, output] += shift[:, None] * self.hidden[self.rows, unit]
        return self._accept(outputs, place, new, barrier)

    def _accept(self, outputs: Tensor, place: Tensor, new: Tensor, barrier: Tensor) -> Tensor:
        """Metropolis: ΔL <= T e with e exponential, which has probability min(1, e^{−ΔL/T})."""
        energy = self._energy(outputs)
        taken = energy - self.energy <= barrier
        rows = self.rows[taken]
        self.values[rows, place[taken]] = new[taken]
        self.energy[taken] = energy[taken]
        self.outputs[rows] = outputs[taken]
        return taken

    def _energy(self, outputs: Tensor) -> Tensor:
        if not self.loss.classifies:
            return self.loss.value(outputs.transpose(1, 2), self.targets).mean(1, dtype=torch.float64)
        chosen = outputs.gather(1, self.targets.expand(len(outputs), 1, -1)).squeeze(1)
        return (torch.logsumexp(outputs, 1) - chosen).mean(1, dtype=torch.float64)
