"""What `farwatch evidence` takes on its command line."""

import argparse
from pathlib import Path

from farwatch.storage.custody import Purpose


def add(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    evidence = sub.add_parser("evidence", help="cases that prove themselves").add_subparsers(
        dest="evidence", required=True
    )
    exporting = evidence.add_parser("export", help="write a case as a ZIP that can be verified offline")
    exporting.add_argument("task", type=int, metavar="TASK")
    exporting.add_argument("--out", type=Path, required=True, metavar="FILE.zip")
    exporting.add_argument("--purpose", choices=tuple(Purpose), required=True)
    verifying = evidence.add_parser("verify", help="say what is wrong with such a ZIP; needs no database")
    verifying.add_argument("file", type=Path, metavar="FILE.zip")
    verifying.add_argument(
        "--key", action="append", required=True, help="fingerprint, or PEM file of the public key"
    )
    verifying.add_argument("--roots", metavar="FILE", help="what `roots` wrote, kept elsewhere")
    verifying.add_argument(
        "--tsa-certificate", type=Path, metavar="FILE.pem", help="the time stamp authority's root"
    )
    evidence.add_parser("roots", help="write the known roots, for keeping elsewhere").add_argument(
        "--out", type=Path, required=True, metavar="FILE"
    )
    evidence.add_parser("verifier", help="write verify.py and verify.html into a folder").add_argument(
        "--out", type=Path, required=True, metavar="DIR"
    )
    evidence.add_parser("key", help="with which seals are signed").add_argument(
        "what", choices=("show", "rotate")
    )
