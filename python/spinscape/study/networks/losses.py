"""Where 0.1.0 had the experiment network-losses: this name means its module."""

import sys

from spinscape.study import experiments

sys.modules[__name__] = experiments.module("network-losses")
