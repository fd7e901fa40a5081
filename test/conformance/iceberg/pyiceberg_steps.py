"""Reads, changes and writes Iceberg tables with PyIceberg.

Standard input: JSON, {"catalog": properties of a REST catalog, "database": its name, "steps": [...]}. Output: a JSON
list with the answer to each step. A step has "do", the name of one of the functions of Steps, and its arguments.
"""

import json
import sys
from datetime import datetime

import pyarrow
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.expressions import (
    AlwaysTrue,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    IsNull,
    LessThan,
    LessThanOrEqual,
    NotNull,
)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType

CONDITIONS = {
    "=": EqualTo,
    "<": LessThan,
    "<=": LessThanOrEqual,
    ">": GreaterThan,
    ">=": GreaterThanOrEqual,
    "is null": IsNull,
    "is not null": NotNull,
}


def condition(where):
    if where is None:
        return AlwaysTrue()
    column, operator, *value = where
    if column == "time":
        value = [text.replace(" ", "T") for text in value]
    return CONDITIONS[operator](column, *value)


def plain(value):
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="microseconds")
    return value


class Steps:
    def __init__(self, catalog, database):
        self.catalog = RestCatalog("lake", **catalog)
        self.database = database

    def table(self, name):
        return self.catalog.load_table((self.database, name))

    def list(self):
        return [name for _, name in self.catalog.list_tables(self.database)]

    def read(self, table, where=None):
        """All columns of the rows that meet a condition, and the files that are planned for it."""
        scan = self.table(table).scan(row_filter=condition(where))
        files = sorted(task.file.file_path for task in scan.plan_files())
        rows = scan.to_arrow()
        values = [[plain(value) for value in column.to_pylist()] for column in rows.columns]
        columns = [{"name": name} for name in rows.column_names]
        return {"columns": columns, "rows": list(zip(*values)), "files": files}

    def append(self, table, rows):
        """Rows without a column have null there."""
        loaded = self.table(table)
        schema = loaded.schema().as_arrow()
        times = {field.name for field in schema if pyarrow.types.is_timestamp(field.type)}
        given = [
            {name: datetime.fromisoformat(value) if name in times else value for name, value in row.items()}
            for row in rows
        ]
        loaded.append(pyarrow.Table.from_pylist(given, schema=schema))

    def create(self, table, location):
        """A table of another's design: ids out of order, a column that the lake has not, and the day first."""
        schema = Schema(
            NestedField(1, "dt", StringType(), required=False),
            NestedField(2, "count", LongType(), required=False),
            NestedField(3, "theirs", StringType(), required=False),
        )
        spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "dt"))
        self.catalog.create_table((self.database, table), schema, location=location, partition_spec=spec)

    def add_column(self, table, name):
        with self.table(table).update_schema() as update:
            update.add_column(name, StringType())

    def delete(self, table, where):
        self.table(table).delete(condition(where))

    def set_property(self, table, name, value):
        with self.table(table).transaction() as transaction:
            transaction.set_properties({name: value})

    def entries(self, table):
        """What manifests say of each file, as text, by the file's path."""
        found = self.table(table).inspect.entries().to_pylist()
        shown = ("sequence_number", "file_sequence_number", "snapshot_id", "data_file")
        return {entry["data_file"]["file_path"]: repr([entry[name] for name in shown]) for entry in found}

    def history(self, table):
        return [str(entry.snapshot_id) for entry in self.table(table).history()]


def main():
    given = json.load(sys.stdin)
    steps = Steps(given["catalog"], given["database"])
    answers = []
    for step in given["steps"]:
        do = step.pop("do")
        answers.append(getattr(steps, do)(**step))
    print(json.dumps(answers))


main()
