"""Types of the C++ core, in the order of cpp/bindings/module.cpp; one section a binding file.

Checked against the module by `python -m mypy.stubtest spinscape._core`. Arrays are contiguous and of the dtype written
here: the Python door (spinscape.arrays) has seen to that before a call.
"""

import enum
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

_Real = TypeVar("_Real", np.float32, np.float64)

# bind_system.cpp

def default_threads() -> int: ...
def build_info() -> dict[str, str]: ...
def kernel_levels() -> list[str]: ...
def probe_peak(single_precision: bool, repeats: int) -> float: ...
def probe_read(bytes: int, repeats: int) -> float: ...

# bind_couplings.cpp

max_order: Final[int]

class Purpose(enum.Enum):
    couplings = 1
    points = 2
    parts = 3
    order = 4
    starts = 5
    thermal = 6
    homotopy = 7

class LawKind(enum.Enum):
    gaussian = 0
    rademacher = 1
    uniform = 2
    exponential = 3
    student_t = 4

class FormShape:
    def __init__(self, order: int, size: int, layered: bool = ...) -> None: ...
    @property
    def order(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def layered(self) -> bool: ...
    def dimension(self) -> int: ...
    def entries(self) -> int: ...

class Disorder:
    def __init__(self, law: LawKind, nu: float, seed: int, order: int, layered: bool = ...) -> None: ...

class Form:
    @overload
    @staticmethod
    def from_packed(shape: FormShape, packed: NDArray[np.float32], n_threads: int | None = None) -> Form: ...
    @overload
    @staticmethod
    def from_packed(shape: FormShape, packed: NDArray[np.float64], n_threads: int | None = None) -> Form: ...
    @staticmethod
    def sampled(shape: FormShape, disorder: Disorder, n_threads: int, stored: bool = ...) -> Form: ...
    @staticmethod
    def bytes_needed(shape: FormShape, single_precision: bool) -> int: ...
    @property
    def shape(self) -> FormShape: ...
    @property
    def bytes(self) -> int: ...
    @property
    def stored(self) -> bool: ...
    @property
    def single_precision(self) -> bool: ...
    def packed(self) -> NDArray[np.float64]: ...
    def energy_gradient(self, points: NDArray[_Real], n_threads: int) -> tuple[NDArray[_Real], NDArray[_Real]]: ...
    def hvp(
        self, points: NDArray[_Real], vectors: NDArray[_Real], n_threads: int
    ) -> tuple[NDArray[_Real], NDArray[_Real]]: ...
    def hessian(self, points: NDArray[_Real], n_threads: int) -> tuple[NDArray[_Real], NDArray[_Real]]: ...

def couplings_at(disorder: Disorder, first: int, count: int) -> NDArray[np.float32]: ...
def normals(seed: int, purpose: Purpose, subject: int, draw: int, first: int, count: int) -> NDArray[np.float32]: ...
def philox4x32(counter: Sequence[int], key: Sequence[int]) -> list[int]: ...
def packed_rank(indices: Sequence[int]) -> int: ...
def packed_unrank(rank: int, order: int) -> list[int]: ...
def packed_size(order: int, size: int) -> int: ...
def multiplicity(indices: Sequence[int]) -> int: ...

# bind_glass.cpp

class Domain:
    def __init__(self, sizes: Sequence[int], flat: int) -> None: ...
    @property
    def dimension(self) -> int: ...
    @property
    def tangent_dimension(self) -> int: ...

class Surface:
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    @property
    def dimension(self) -> int: ...
    @property
    def concurrent(self) -> bool: ...

class PythonSurface(Surface):
    def __init__(self, landscape: Any, domain: Domain, energy_scale: float) -> None: ...

class Glass(Surface):
    def __init__(self, spheres: int, size: int) -> None: ...
    def add_form(self, form: Form, scale: float) -> None: ...
    def add_spike(self, direction: Sequence[float], strength: float, order: int) -> None: ...
    @property
    def dimension(self) -> int: ...
    def energy(self, points: NDArray[_Real], n_threads: int) -> NDArray[_Real]: ...
    def energy_gradient(
        self, points: NDArray[_Real], riemannian: bool, n_threads: int
    ) -> tuple[NDArray[_Real], NDArray[_Real]]: ...
    def hvp(self, points: NDArray[_Real], vectors: NDArray[_Real], n_threads: int) -> NDArray[_Real]: ...
    def hessian(self, points: NDArray[_Real], n_threads: int) -> NDArray[_Real]: ...

# bind_descent.cpp

class StopReason(enum.IntEnum):
    converged = 0
    max_steps = 1
    completed = 2
    stalled = 3
    line_search_failed = 4
    not_finite = 5
    no_pass = 6
    linked = 0
    max_rounds = 1

class DescentOptions:
    def __init__(self, tol: float, max_steps: int, ladder: Sequence[float], trace_every: int) -> None: ...
    @property
    def tol(self) -> float: ...
    @property
    def max_steps(self) -> int: ...
    @property
    def ladder(self) -> list[float]: ...
    @property
    def trace_every(self) -> int: ...
    def trace_columns(self) -> int: ...

class Stage:
    def __init__(self, steps: int, step: float, decay: float, on_parts: bool) -> None: ...

class Schedule:
    def __init__(self, stages: Sequence[Stage], random_order: bool, order_seed: int) -> None: ...

def descend_gradient(
    surface: Surface,
    starts: NDArray[_Real],
    step: float,
    decay: float,
    options: DescentOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, Any]: ...
def descend_schedule(
    surface: Surface,
    starts: NDArray[_Real],
    parts: Sequence[Surface],
    schedule: Schedule,
    options: DescentOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, Any]: ...
def descend_tuples(
    glass: Surface,
    starts: NDArray[_Real],
    batches: int,
    schedule: Schedule,
    options: DescentOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, Any]: ...
def descend_lbfgs(
    surface: Surface,
    starts: NDArray[_Real],
    first_step: float,
    history: int,
    options: DescentOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, Any]: ...
def descend_momentum(
    surface: Surface,
    starts: NDArray[_Real],
    step: float,
    decay: float,
    momentum: float,
    options: DescentOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, Any]: ...
def descend_flow(
    surface: Surface,
    starts: NDArray[_Real],
    accuracy: float,
    duration: float,
    options: DescentOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, Any]: ...
def descend_power(
    surface: Surface,
    starts: NDArray[_Real],
    order: int,
    shift: float,
    options: DescentOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, Any]: ...
def descend_trust(
    surface: Surface,
    starts: NDArray[_Real],
    radius: float,
    options: DescentOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, Any]: ...
def descend_saddle_free(
    surface: Surface,
    starts: NDArray[_Real],
    krylov: int,
    options: DescentOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, Any]: ...
def descend_ascent(
    surface: Surface,
    starts: NDArray[_Real],
    krylov: int,
    options: DescentOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, Any]: ...
def split_form(shape: FormShape, disorder: Disorder, seed: int, parts: int, n_threads: int) -> list[Form]: ...

# bind_sampling.cpp

class ThermalLevel:
    def __init__(self, beta: float, steps: int, epsilon: float) -> None: ...

class ThermalOptions:
    def __init__(
        self,
        leapfrogs: int,
        adjusted: bool,
        target: float,
        seed: int,
        first_step: int,
        first_replica: int,
        trace_every: int,
        keep_every: int,
    ) -> None: ...

class Ladder:
    def __init__(self, betas: Sequence[float], epsilons: Sequence[float], steps: int, swap_every: int) -> None: ...

def sample(
    surface: Surface,
    starts: NDArray[_Real],
    levels: Sequence[ThermalLevel],
    options: ThermalOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, Any]: ...
def temper(
    surface: Surface,
    starts: NDArray[_Real],
    ladder: Ladder,
    options: ThermalOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, Any]: ...

# bind_spectrum.cpp

class InertiaMethod(enum.Enum):
    tridiagonal = 0
    cholesky = 1

class LanczosOptions:
    def __init__(self, max_steps: int, block_size: int, seed: int, epsilon: float, norm: float = 0.0) -> None: ...

def matrix_index(
    matrices: NDArray[np.float64], zero_tol: float, method: InertiaMethod, n_threads: int
) -> dict[str, NDArray[Any]]: ...
def surface_index(
    surface: Surface,
    points: NDArray[np.float64],
    zero_tol: float,
    method: InertiaMethod,
    exclusion: Exclusion,
    tile: int,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, NDArray[Any]]: ...
def surface_lanczos(
    surface: Surface,
    points: NDArray[np.float64],
    zero_tol: float,
    exclusion: Exclusion,
    options: LanczosOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, NDArray[Any]]: ...
def lanczos_count(
    multiply: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    excluded: NDArray[np.float64],
    zero_tol: float,
    options: LanczosOptions,
) -> dict[str, NDArray[Any]]: ...
def extreme_eigenvalues(
    multiply: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    excluded: NDArray[np.float64],
    count: int,
    largest: bool,
    tolerance: float,
    options: LanczosOptions,
) -> dict[str, Any]: ...

# bind_homotopy.cpp

class PolynomialOnSphere:
    def __init__(self, n: int, terms: Sequence[tuple[int, NDArray[np.float64]]]) -> None: ...
    def paired(self) -> bool: ...
    def track_paths(
        self,
        start: NDArray[np.complex128],
        gamma: complex,
        chart: NDArray[np.complex128],
        numbers: Sequence[int],
        accuracy: float,
        max_steps: int,
        n_threads: int,
    ) -> dict[str, NDArray[Any]]: ...

# bind_search.cpp

class RefineOptions:
    def __init__(self, tolerance: float, max_steps: int, max_move: float, matrix_free: bool, tile: int) -> None: ...

class LevelOptions:
    def __init__(self, max_steps: int) -> None: ...

class FollowOptions:
    def __init__(self, max_steps: int, matrix_free: bool, lanczos_steps: int, tile: int) -> None: ...

class Exclusion:
    @overload
    def __init__(self) -> None: ...
    @overload
    def __init__(
        self, directions: Callable[[NDArray[np.float64]], NDArray[np.float64]], dimension: int, count: int
    ) -> None: ...
    @property
    def count(self) -> int: ...

def refine(
    surface: Surface,
    starts: NDArray[np.float64],
    exclusion: Exclusion,
    options: RefineOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, NDArray[Any]]: ...
def move_to_energy(
    surface: Surface,
    starts: NDArray[np.float64],
    targets: NDArray[np.float64],
    exclusion: Exclusion,
    options: LevelOptions,
    n_threads: int,
) -> dict[str, NDArray[Any]]: ...
def follow_to_saddle(
    surface: Surface,
    starts: NDArray[np.float64],
    index: NDArray[np.int64],
    exclusion: Exclusion,
    options: FollowOptions,
    progress: Callable[[int, int], object] | None,
    n_threads: int,
) -> dict[str, NDArray[Any]]: ...
