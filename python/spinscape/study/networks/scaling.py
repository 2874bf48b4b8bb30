"""Where 0.1.0 had the scaling law of losses: this name means the module that the experiment network-losses uses."""

import sys

from spinscape.study import experiments

sys.modules[__name__] = experiments.module("network-losses").scaling
