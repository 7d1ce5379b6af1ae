"""Enrol people from a CSV of the HR system: columns number, name, picture (a path beside the CSV). Safe to run twice.

FACESITE=https://faces.example.org FACESITE_KEY=fsk_... python import_from_hr.py people.csv
"""

import csv
import os
import sys
from pathlib import Path

from facesite_client import ApiError, Conflict, Facesite


def main(table: Path) -> int:
    failed = 0
    with Facesite(os.environ["FACESITE"], os.environ["FACESITE_KEY"]) as site, table.open(encoding="utf-8-sig") as rows:
        for row in csv.DictReader(rows):
            try:
                print(row["number"], enrol(site, row, table.parent))
            except (ApiError, OSError) as error:
                failed += 1
                print(row["number"], "failed:", error, file=sys.stderr)
    return 1 if failed else 0


def enrol(site: Facesite, row: dict[str, str], folder: Path) -> str:
    try:
        person = site.create_person(
            row["name"], external_id=row["number"], consent={"how": "paper", "note": "HR"}, once=f"hr-{row['number']}"
        )
    except Conflict as error:
        if error.code != "external_id_taken":
            raise
        person = next(one for one in site.people(row["number"]) if one.external_id == row["number"])
    site.add_sample(person.id, folder / row["picture"])
    return "enrolled"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
