#!/usr/bin/env python3
"""A CSV file as [[device]] tables: from_csv.py gateways.csv --out devices.d/csv.toml

The first line names the columns. Those called name, host, port, username, tags and role are taken, in
any order; others are given by --column, such as --column host=ip_address. Several tags stand in one
cell, with blanks or semicolons between them; --tags names more columns whose cell is a tag.
"""

import argparse
import csv
import re

from devices_toml import Refused, arguments, run, write

KEYS = ("name", "host", "port", "username", "tags", "role")


def main():
    parser = arguments(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument("file")
    parser.add_argument("--column", action="append", default=[], metavar="KEY=COLUMN")
    parser.add_argument("--tags", action="append", default=[], metavar="COLUMN")
    options = parser.parse_args()
    columns = {key: key for key in KEYS}
    for pair in options.column:
        key, found, column = pair.partition("=")
        if key not in KEYS or not found:
            raise Refused(f"--column {pair}: expected KEY=COLUMN with one of {', '.join(KEYS)}")
        columns[key] = column
    # A spreadsheet may begin the file with a mark, and writes semicolons in half of the world.
    with open(options.file, encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        file.seek(0)
        delimiter = max(",;\t", key=first.count)
        rows = csv.DictReader(file, delimiter=delimiter, skipinitialspace=True, strict=True)
        try:
            rows = list(rows)
        except csv.Error as error:
            raise Refused(f"{options.file}: {error}") from error
    present = [column.strip() for column in first.strip().lstrip("\ufeff").split(delimiter)]
    for key in ("name", "host"):
        if rows and columns[key] not in rows[0]:
            raise Refused(f"{options.file} has no column {columns[key]!r}: there are {', '.join(present)} (--column {key}=…)")
    devices = []
    for row in rows:
        if not any((cell or "").strip() for cell in row.values() if not isinstance(cell, list)):
            continue
        device = {key: (row.get(columns[key]) or "").strip() for key in KEYS}
        tags = [one for one in re.split(r"[\s;,]+", device["tags"]) if one]
        device["tags"] = tags + [(row.get(column) or "").strip() for column in options.tags]
        devices.append(device)
    write(devices, options, options.file)


run(main)
