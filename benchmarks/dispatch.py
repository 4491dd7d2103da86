"""`make bench-dispatch`: our dispatch against the nearest idle officer, in a simulated city of 100, seed by seed.

dispatch_city.py states the model, dispatch_rules.py the two rules. Ours is `alerting` itself (lifecycle, clocks, offers and their
windows, dispatch, assignment) on the shipped policy. The weights were tuned on seeds 101-130; what is reported is seeds 1-30.
"""

import argparse
import json
import sys
import time
from statistics import fmean

from benchmarks.dispatch_city import city
from benchmarks.dispatch_rules import NearestIdle, Ours, Score

SEEDS, QUICK, FIRST_TUNING = 30, 5, 101
BETTER_NEEDED = 25 / 30
WORSE_MOST = 0.02


def paired(seed: int) -> tuple[Score, Score]:
    """Ours and the other in the same city, with the same dice."""
    place = city(seed)
    return Ours(place).run(), NearestIdle(place).run()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} seeds only")
    parser.add_argument("--tuning", action="store_true", help="the seeds on which weights are tuned")
    wanted = parser.parse_args()
    first = FIRST_TUNING if wanted.tuning else 1
    began_s, pairs = time.perf_counter(), []
    for seed in range(first, first + (QUICK if wanted.quick else SEEDS)):
        ours, theirs = paired(seed)
        pairs.append((ours, theirs))
        print(
            f"seed {seed:3}  ours {ours.within_5:6.1%} {ours.within_10:6.1%}"
            f"   nearest idle {theirs.within_5:6.1%} {theirs.within_10:6.1%}",
            flush=True,
        )
    print(f"{time.perf_counter() - began_s:.0f} s")
    return report(pairs)


def report(pairs: list[tuple[Score, Score]]) -> int:
    """Prints the closing JSON; 0 when ours was higher in 25 of 30 seeds and in none lower by two points in either share."""
    better = sum(ours.both > theirs.both for ours, theirs in pairs)
    worst = min(min(o.within_5 - t.within_5, o.within_10 - t.within_10) for o, t in pairs)
    print(f"better in {better} of {len(pairs)} seeds; the worst difference of a share is {worst:+.1%}")
    shares = [
        {
            name: round(fmean(getattr(pair[side], name) for pair in pairs), 4)
            for name in ("within_5", "within_10")
        }
        for side in (0, 1)
    ]
    print(json.dumps({"us": {**shares[0], "seeds_better": better}, "peers": {"nearest_idle": shares[1]}}))
    return 0 if better >= BETTER_NEEDED * len(pairs) and worst > -WORSE_MOST else 1


if __name__ == "__main__":
    sys.exit(main())
