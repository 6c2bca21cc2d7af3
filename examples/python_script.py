"""Data analysis in plain Python: a week of temperature data from three weather stations.

The script reads the data from a CSV text, drops readings that cannot be true, and prints a table with the
mean, the spread and the trend of each station. It needs Python 3.11 or newer and only Python's standard
library: no pandas, no numpy.

    python python_script.py
"""

import csv
import io
import statistics
from collections import defaultdict
from typing import NamedTuple

RAW_DATA = """\
station,day,celsius
harbour,1,11.4
harbour,2,11.9
harbour,3,12.7
harbour,4,13.1
harbour,5,-99.0
harbour,6,13.8
hill,1,8.2
hill,2,8.0
hill,3,8.9
hill,4,8.4
hill,5,8.8
hill,6,9.3
airport,1,10.9
airport,2,12.2
airport,3,10.1
airport,4,13.0
airport,5,11.7
airport,6,
"""

PLAUSIBLE = (-40.0, 55.0)


class Reading(NamedTuple):
    """One row of the data set."""

    station: str
    day: int
    celsius: float


def read_data(text: str) -> list[Reading]:
    """Parse the CSV data and leave out empty or impossible values."""
    readings = []
    for row in csv.DictReader(io.StringIO(text)):
        if not row["celsius"]:
            continue
        reading = Reading(row["station"], int(row["day"]), float(row["celsius"]))
        if PLAUSIBLE[0] <= reading.celsius <= PLAUSIBLE[1]:
            readings.append(reading)
    return readings


def analyse(readings: list[Reading]) -> None:
    """Print one line of statistics for each station."""
    by_station: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_station[reading.station].append(reading)

    print(f"{'station':<10}{'n':>3}{'mean':>8}{'stdev':>8}{'per day':>9}")
    for station, rows in sorted(by_station.items()):
        values = [row.celsius for row in rows]
        slope = statistics.linear_regression([row.day for row in rows], values).slope
        print(
            f"{station:<10}{len(rows):>3}{statistics.mean(values):>8.2f}"
            f"{statistics.stdev(values):>8.2f}{slope:>+9.2f}"
        )


if __name__ == "__main__":
    analyse(read_data(RAW_DATA))
