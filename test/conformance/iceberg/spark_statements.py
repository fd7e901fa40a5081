"""Runs statements of Spark SQL.

Argument: the configuration, as JSON, an object of names and texts. Standard input: a statement as a JSON text in each
line. Output: a JSON object in a line for each: {"columns": [{"name"}], "rows": [[...]]}, or {"error": message}.
"""

import json
import os
import sys
from datetime import datetime

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from py4j.protocol import Py4JJavaError


def plain(value):
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="microseconds")
    return value


def answer(spark, statement):
    try:
        frame = spark.sql(statement)
        rows = [[plain(value) for value in row] for row in frame.collect()]
        return {"columns": [{"name": name} for name in frame.columns], "rows": rows}
    except (PySparkException, Py4JJavaError) as error:
        return {"error": str(error)[:3000]}


def main():
    # Spark writes to standard output, too.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    builder = SparkSession.builder
    for name, value in json.loads(sys.argv[1]).items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    for line in sys.stdin:
        print(json.dumps(answer(spark, json.loads(line))), file=answers, flush=True)
    spark.stop()


main()
