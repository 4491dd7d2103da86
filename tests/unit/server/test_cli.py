"""The command line as operators write it."""

from pathlib import Path

import pytest

from server.cli import parser


@pytest.mark.parametrize(
    "words", ["--dry-run --prune city", "city --dry-run --prune", "--dry-run city --prune"]
)
def test_options_of_an_import_stand_before_the_folder_or_behind_it(words: str) -> None:
    args = parser().parse_args(["registry", "import", *words.split()])
    assert (args.folder, args.dry_run, args.prune, args.zones_from_files) == (Path("city"), True, True, False)
