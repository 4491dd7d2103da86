"""Cameras: read, keep the last seconds, decode little, show it to the detectors, cut evidence.

`worker.CameraWorker` is the way in; what detectors see and say are types of `farwatch.domain.picture`.
"""
