"""Which objective, tail mass and splice: trained alike, compared on the validation season.

    python experiments/compare_objectives.py

The same network without the game so far (quick to train, and the head is what matters here) is
trained once for each setting on 2009-2016 and judged on 2017, the season that such choices may
be made on. Cost: about half a minute for each of 8 settings on 2 cores. Expect (docs/results.md):
base_plus_tail ahead of the likelihoods by 0.001 nats; a tail mass of 0.05 costs 0.008 nats against
0.01, for it takes touchdowns, which are atoms, into the smooth tail; thresholds that cut through
the atom at 0 cost 0.011 nats at a tail mass of 0.01 and 0.05 nats at 0.05.
"""

from sbp_jax.jobs.compare_objectives import CompareObjectives, main
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.runs.command_line import run

SETTINGS = CompareObjectives(network=NetworkConfig(layers=0))

if __name__ == "__main__":
    run(main, SETTINGS, __doc__)
