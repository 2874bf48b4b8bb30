"""Training and test losses of networks of n hidden units.

Training and test losses of ensembles of networks 100-n-10 on MNIST 10x10: AISTATS15 Fig. 3 (right), Table 1, Fig. 7.

The paper prints neither loss, rate, batch nor data sizes; ours are in the recipe: cross-entropy, all 60,000 training
images, minibatches of 100, rate / (1 + decay t) in epoch t, initial weights and biases uniform in [-1/2, 1/2].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spinscape import statistics
from spinscape.experiments import scaling, trained
from spinscape.experiments.glass.scaled_losses import ScaledLosses
from spinscape.experiments.glass.scaled_losses import distributions as glass_distributions
from spinscape.experiments.trained import data_of, parameter_count
from spinscape.figures import style
from spinscape.figures.style import Axes, Figure
from spinscape.statistics import Interval
from spinscape.study.experiment import Experiment, Parameters, Results, ResultTable, Rows, Unit
from spinscape.study.parameters import SEED, choice, counts, integer, several, word
from spinscape.study.records import Arrays

# n -> train mean, s.d., test mean, s.d., Pearson correlation: AISTATS15 Fig. 3 (right) and Table 1. 1000 networks each;
# 890 and 970 for n = 250 and 500.
PUBLISHED: Mapping[int, tuple[float, float, float, float, float]] = {
    10: (0.22830, 0.00683, 0.22501, 0.00808, 0.8635),
    25: (0.12500, 0.00360, 0.13060, 0.00445, 0.7616),
    50: (0.09183, 0.00208, 0.10163, 0.00268, 0.6861),
    100: (0.07668, 0.00116, 0.08881, 0.00170, 0.5983),
    250: (0.06702, 0.00062, 0.08069, 0.00100, 0.5302),
    500: (0.06252, 0.00040, 0.07717, 0.00074, 0.4081),
}


CHUNK = 8
ALL_SIZES = (10, 25, 50, 100, 250, 500)


def arrange(values: dict[str, Any]) -> dict[str, Any]:
    from spinscape.networks import Architecture

    Architecture((100, 10), init=values["init"])
    return trained.with_training(values)


def units(parameters: Parameters) -> Iterator[dict[str, Any]]:
    """Return the chunks of networks, one chunk of every size in turn, so that all sizes are there early."""
    counts = {n: parameters["networks"][str(n)] for n in parameters["sizes"]}
    for first in range(0, max(counts.values()), CHUNK):
        for n, count in counts.items():
            if first < count:
                yield {"n": n, "first": first, "count": min(CHUNK, count - first)}


def cost(parameters: Parameters, unit: Unit) -> float:
    images = parameters["train"] or 60_000
    epochs = parameters["training"]["epochs"] + 2
    return float(unit["count"] * images * epochs * trained.training_seconds(unit["n"]))


def memory(parameters: Parameters, unit: Unit, n_threads: int) -> float:
    n, count = unit["n"], unit["count"]
    return 2**28 + 8 * 6 * count * parameter_count(n) + 8 * 4 * count * 1000 * (n + 110)


def compute(parameters: Parameters, unit: Unit, n_threads: int) -> Arrays:
    """Train one chunk of networks on one thread, whatever n_threads: the bits must not depend on it."""
    from spinscape.networks import Architecture, Training, train_ensemble

    ensemble = train_ensemble(
        Architecture((100, unit["n"], 10), init=parameters["init"]),
        data_of(parameters["train"], parameters["test"], parameters["rng"]),
        unit["count"],
        first=unit["first"],
        training=Training(**parameters["training"]),
        rng=np.random.SeedSequence(parameters["rng"], spawn_key=(unit["n"],)),
        chunk=CHUNK,
        n_threads=1,
    )
    names = ("train_loss", "test_loss", "train_error", "test_error", "gradient_norm", "epochs")
    return {"network": np.arange(unit["first"], unit["first"] + unit["count"])} | {
        name: getattr(ensemble, name) for name in names
    }


@dataclass(frozen=True)
class Size:
    """The networks of one number n of hidden units that did not diverge, an element a network; `diverged` did."""

    n: int
    train: NDArray[np.float64]
    test: NDArray[np.float64]
    train_error: NDArray[np.float64]
    test_error: NDArray[np.float64]
    gradient_norm: NDArray[np.float64]
    diverged: int

    @property
    def correlation(self) -> Interval:
        """Pearson's correlation of training and test loss."""
        return statistics.pearson(self.train, self.test)


@dataclass(frozen=True)
class NetworkLosses(ResultTable):
    """The table of a study of losses: sizes with finished networks, and the fitted scaling of the mean test loss."""

    sizes: tuple[Size, ...]
    scaling: scaling.Scaling | None
    training: Mapping[str, Any]
    images: int

    @classmethod
    def of(cls, results: Results) -> Self:
        """Read the finished units; a size without any is left out."""
        made = results.parameters
        sizes = tuple(_size(n, column) for (n,), column in sorted(results.joined("n"), key=lambda pair: pair[0]))
        usable = [size for size in sizes if len(size.test) > 1]
        law = scaling.fit([size.n for size in usable], [size.test for size in usable])
        return cls(sizes, law, made["training"], made["train"] or 60_000)

    def rows(self) -> Rows:
        """Return one row a size: moments and correlation with intervals of 95 %, the published values beside them."""
        return [_row(size) for size in self.sizes]

    def notes(self) -> list[str]:
        """Return what belongs under the table: how networks were trained, the fitted scaling."""
        training = self.training
        text = f"{training['optimiser']}, {training['epochs']} epochs, {self.images:,} training images, "
        text += f"rate {training['rate']:g}/(1 + {training['decay']:g} t), minibatches of {training['batch']}"
        notes = [f"trained by {text}; brackets: 95 % confidence, parentheses: published"]
        if self.scaling is not None:
            law, (alpha, beta) = self.scaling, scaling.PUBLISHED
            fitted = f"c = {law.constant.text('.4f')}, alpha = {law.alpha.text('.2f')}, beta = {law.beta.text('.3f')}"
            notes.append(
                f"mean test loss = c exp(alpha n^beta): {fitted}, relative residual {law.residual:.2%}; "
                f"published: alpha = {alpha}, beta = {beta}"
            )
        return notes


def _size(n: int, column: Arrays) -> Size:
    kept = np.isfinite(column["train_loss"]) & np.isfinite(column["test_loss"])
    return Size(
        n=n,
        train=column["train_loss"][kept],
        test=column["test_loss"][kept],
        train_error=column["train_error"][kept],
        test_error=column["test_error"][kept],
        gradient_norm=column["gradient_norm"][kept],
        diverged=int(np.sum(~kept)),
    )


def _row(size: Size) -> dict[str, Any]:
    nan = float("nan")
    train_mean, train_sd, test_mean, test_sd, correlation = PUBLISHED.get(size.n, (nan,) * 5)
    return {
        "n": size.n,
        "networks": len(size.train) + size.diverged,
        "diverged": size.diverged,
        **statistics.mean(size.train).columns("train_mean"),
        "train_mean_published": train_mean,
        **statistics.deviation(size.train).columns("train_sd"),
        "train_sd_published": train_sd,
        **statistics.mean(size.test).columns("test_mean"),
        "test_mean_published": test_mean,
        **statistics.deviation(size.test).columns("test_sd"),
        "test_sd_published": test_sd,
        **size.correlation.columns("correlation"),
        "correlation_published": correlation,
        "test_error": float(np.mean(size.test_error)) if len(size.test_error) else nan,
        "gradient_norm": float(np.mean(size.gradient_norm)) if len(size.gradient_norm) else nan,
    }


def draw(table: NetworkLosses) -> dict[str, Figure]:
    """The moments against n, and the scatter of training and test losses."""
    return {"network-losses": moments(table), "network-correlation": scatter(table)}


def moments(table: NetworkLosses) -> Figure:
    """Distributions of test losses, their means and deviations and the train-test correlation against n."""
    figure, axes = style.new_figure("page", 5.2, rows=2, columns=2)
    distributions(table, axes[0])
    means(table, axes[1])
    deviations(table, axes[2])
    correlations(table, axes[3])
    titles = ("Test losses", "Means", "Spread over networks", "Correlation of training and test loss")
    for ax, letter, title in zip(axes, "abcd", titles, strict=True):
        style.panel_label(ax, letter, title)
    style.caption(
        figure,
        f"a: each row to its own height. {style.BARS.capitalize()} over networks; hollow: AISTATS15, trained otherwise",
    )
    return figure


def beside_the_glass(networks: NetworkLosses, glass: ScaledLosses) -> Figure:
    """AISTATS15 Fig. 3: final losses of spin glasses of N spins beside those of networks of n hidden units."""
    figure, (left, right) = style.new_figure("page", 3.0, columns=2)
    glass_distributions(glass, left)
    distributions(networks, right)
    style.panel_label(left, "a", "Spin glass, one tensor a size")
    style.panel_label(right, "b", "Networks")
    return figure


@style.panel
def distributions(table: NetworkLosses, ax: Axes) -> None:
    """Histograms of the test losses, a row a size, divided by the fitted e^{αn^β} where there is a fit."""
    law = table.scaling
    sizes = [size for size in table.sizes if len(size.test) > 1]
    samples = [size.test / (law.factor(size.n) if law else 1.0) for size in sizes]
    for row, (sample, colour) in enumerate(zip(samples, style.ordered_colours(len(sizes)), strict=True)):
        heights, edges = np.histogram(sample, "auto")
        ax.stairs(row + 0.9 * heights / heights.max(), edges, baseline=row, fill=True, color=colour, alpha=0.4)
        ax.stairs(row + 0.9 * heights / heights.max(), edges, baseline=row, color=colour, linewidth=1.0)
    ax.set_ylim(0, len(sizes))
    ax.set_yticks(np.arange(len(sizes)), [str(size.n) for size in sizes])
    ax.set_ylabel("hidden units $n$")
    constants = rf", $\alpha = {law.alpha.value:.2f}$, $\beta = {law.beta.value:.2f}$" if law else ""
    ax.set_xlabel(rf"scaled test loss  $L/e^{{\alpha n^\beta}}${constants}" if law else "test loss")


@style.panel
def means(table: NetworkLosses, ax: Axes) -> None:
    """Mean training and test loss against n with intervals of 95 %, published ones beside them."""
    for k, part in enumerate(("train", "test")):
        name = {"train": "training", "test": "test"}[part]
        _against_n(table, f"{part}_mean", style.PALETTE[k], name, ax)
    law = table.scaling
    if law is not None:
        n = np.geomspace(table.sizes[0].n, table.sizes[-1].n, 200)
        fitted = [law.constant.value * law.factor(float(one)) for one in n]
        ax.plot(n, fitted, color=style.MUTED, linewidth=0.8, label=r"test: $c\,e^{\alpha n^\beta}$", zorder=1)
    _finish(table, ax, "mean loss", logarithmic=True)


@style.panel
def deviations(table: NetworkLosses, ax: Axes) -> None:
    """Standard deviations over the networks of a size."""
    for k, part in enumerate(("train", "test")):
        name = {"train": "training", "test": "test"}[part]
        _against_n(table, f"{part}_sd", style.PALETTE[k], name, ax)
    _finish(table, ax, "standard deviation of the loss", logarithmic=True)


@style.panel
def correlations(table: NetworkLosses, ax: Axes) -> None:
    """Pearson's correlation of training and test loss against n (AISTATS15 Table 1)."""
    _against_n(table, "correlation", style.PALETTE[2], "", ax)
    ax.axhline(0, color=style.MUTED, linewidth=0.6)
    _finish(table, ax, "Pearson correlation")
    ax.set_ylim(min(-0.05, ax.get_ylim()[0]), 1.02)


def scatter(table: NetworkLosses) -> Figure:
    """AISTATS15 Fig. 7: test against training loss, a panel a size, an element a network."""
    columns = min(3, len(table.sizes))
    rows = -(-len(table.sizes) // columns)
    figure, axes = style.new_figure("page", 2.1 * rows + 0.2, rows=rows, columns=columns)
    with style.context():
        for ax, size, colour in zip(axes, table.sizes, style.ordered_colours(len(table.sizes)), strict=False):
            ax.plot(size.train, size.test, ".", color=colour, markersize=3.5, alpha=0.7)
            found = size.correlation
            ax.set_title(f"$n = {size.n}$,  $r = {found.value:.2f}$ [{found.low:.2f}, {found.high:.2f}]", loc="left")
            ax.locator_params(nbins=4)
        for ax in axes[len(table.sizes) :]:
            ax.set_axis_off()
        figure.supxlabel("training loss", fontsize=9.5)
        figure.supylabel("test loss", fontsize=9.5)
    return figure


def _against_n(table: NetworkLosses, name: str, colour: str, label: str, ax: Axes) -> None:
    """A column with its interval, filled; the published values hollow, a little to the right."""
    rows = table.rows()

    def column(key: str) -> np.ndarray:
        return np.array([float(row[key]) for row in rows])

    n, value = column("n"), column(name)
    bars = np.nan_to_num([value - column(f"{name}_low"), column(f"{name}_high") - value])
    ax.errorbar(n, value, bars, fmt="o-", color=colour, capsize=2, linewidth=1.0, label=label or "ours")
    shown = f"{label}, published" if label else "published"
    ax.plot(n, column(f"{name}_published"), "s--", mfc="none", color=colour, linewidth=0.7, alpha=0.8, label=shown)


def _finish(table: NetworkLosses, ax: Axes, label: str, logarithmic: bool = False) -> None:
    ax.set_xscale("log")
    if logarithmic:
        ax.set_yscale("log")
    n = [size.n for size in table.sizes]
    ax.set_xticks(n, [str(one) for one in n])
    ax.xaxis.minorticks_off()
    ax.set_xlabel("hidden units $n$")
    ax.set_ylabel(label)
    ax.legend(loc="best", fontsize=7.0)


EXPERIMENT = Experiment.of(
    __name__,
    source="AISTATS15 Fig. 3 right, Table 1, Fig. 7",
    parameters=(
        several(integer("sizes", (10, 25, 50, 100), "hidden units n", 1, 10**5, unit="units")),
        counts("networks", 48, "networks of every size", 1, 10**7, unit="networks"),
        trained.images(10_000, optional=True),
        trained.TEST,
        *trained.sgd(20, 0.1, 0.1, 100),
        choice("optimiser", "sgd", ("sgd", "momentum", "adam", "gd"), "how networks are trained"),
        word("init", "cube", "law of the initial weights, see networks.Architecture"),
        SEED,
    ),
    # n = 100 would need longer training than is quick: it still remembers its start, training and test loss alike.
    quick={"sizes": (5, 10, 25, 50), "networks": 40, "train": 5000, "epochs": 30, "rate": 0.5, "decay": 0.1},
    default={
        "sizes": ALL_SIZES,
        "networks": {10: 48, 25: 48, 50: 48, 100: 48, 250: 8, 500: 8},
        "train": None,
        "epochs": 20,
    },
    full={"sizes": ALL_SIZES, "networks": 1000, "train": None, "epochs": 200, "decay": 0.03},
    core_seconds=1.0,
    single_thread=True,
    needs=trained.NEEDS,
    table=NetworkLosses,
    shown={
        "n": "",
        "networks": "",
        "train_mean": ".5f",
        "train_sd": ("train s.d.", ".5f"),
        "test_mean": ".5f",
        "test_sd": ("test s.d.", ".5f"),
        "correlation": ".3f",
        "test_error": ".2%",
    },
    published=PUBLISHED,
    beside={"scaled-losses": ("losses-beside-glass", beside_the_glass)},
)
recipe = EXPERIMENT.maker
