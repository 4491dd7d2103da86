"""Metrics of the review."""

from prometheus_client import Counter, Gauge, Histogram

REVIEWS = Counter("farwatch_reviews_total", "Hours and days of stations that were reviewed", ["kind"])
VERDICTS_CHANGED = Counter("farwatch_review_verdicts_total", "Verdicts that were new or changed by a review")
SECONDS = Histogram(
    "farwatch_review_seconds", "One station's hour or day, from its rows to the commit", ["kind"]
)
SET_ASIDE = Counter(
    "farwatch_reviews_set_aside_total", "Reviews that failed on their data and are tried later"
)
CONTENDED = Counter(
    "farwatch_reviews_contended_total", "Reviews done again because their rows changed meanwhile"
)
LIVE_LAG = Gauge(
    "farwatch_review_live_lag_seconds",
    "For how long the oldest live review has been due",
    multiprocess_mode="livemax",
)
WAITING = Gauge(
    "farwatch_review_waiting", "Reviews that are due, back-filled ones too", multiprocess_mode="livemax"
)
FETCHES = Counter(
    "farwatch_review_fetches_total", "Missing hours that stations were asked for again", ["kind"]
)
