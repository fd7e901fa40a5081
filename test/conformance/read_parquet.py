"""Reads the Parquet files below a folder with pyarrow and with polars, and prints a fingerprint of each column.

Arguments: the folder. Standard input: the columns, as JSON. Output: JSON, by reader and column, the number of values
and the sum of their hashes: the first 60 bits of the MD5 of each value's text.
"""

import hashlib
import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import polars
import pyarrow
import pyarrow.parquet

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def text_of(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "%.17g" % value
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return str((moment - EPOCH) // timedelta(microseconds=1))
    return str(value)


def fingerprint(values):
    count, total = 0, 0
    for value in values:
        if value is None:
            continue
        count += 1
        total += int(hashlib.md5(text_of(value).encode()).hexdigest()[:15], 16)
    return {"values": count, "sum": str(total)}


def added(one, other):
    return {"values": one["values"] + other["values"], "sum": str(int(one["sum"]) + int(other["sum"]))}


def by_pyarrow(file):
    table = pyarrow.parquet.ParquetFile(file).read()
    return {name: table.column(name).to_pylist() for name in table.column_names}


def by_polars(file):
    return polars.read_parquet(file, hive_partitioning=False).to_dict(as_series=False)


def main():
    files = sorted(Path(sys.argv[1]).rglob("*.parquet"))
    columns = [column["name"] for column in json.load(sys.stdin)]
    answers = {}
    for reader, read in {"pyarrow": by_pyarrow, "polars": by_polars}.items():
        sums = {name: {"values": 0, "sum": "0"} for name in columns}
        for file in files:
            # A file without the column is of the time before the column: its values are null.
            for name, values in read(str(file)).items():
                if name in sums:
                    sums[name] = added(sums[name], fingerprint(values))
        answers[reader] = sums
    print(json.dumps(answers))


main()
