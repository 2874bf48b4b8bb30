import sys
from pathlib import Path

# Worker processes started by spawn and forkserver inherit this path, so they can import the toy experiment too.
sys.path.insert(0, str(Path(__file__).parent))

from spinscape import study

study.register("toy", "toy_experiment")
