"""What a run has used over time, in the platform's shape: cores and bytes, times as texts of milliseconds. Pure."""

from datetime import datetime

from serviceexecution.contract.json_types import JsonObject, JsonValue
from serviceexecution.store.records import UsageSeries


def metrics_document(
    api_id: str, started: datetime | None, ended: datetime | None, series: UsageSeries | None
) -> JsonObject:
    """Return the answer; its lists are empty when nothing is known."""
    document: JsonObject = {"serviceExecutionId": api_id, **_lists(series)}
    times = {"startTime": started, "endTime": ended}
    return document | {
        name: str(int(time.timestamp() * 1000)) for name, time in times.items() if time is not None
    }


def _lists(series: UsageSeries | None) -> JsonObject:
    cpu: list[JsonValue] = []
    cpu_limit: list[JsonValue] = []
    memory: list[JsonValue] = []
    memory_limit: list[JsonValue] = []
    if series is not None:
        points = series.points
        before, used = series.started_at, 0.0
        for point in points:
            time = str(point.time)
            passed = 0 if before is None else point.time - before
            if passed > 0:
                cores = (point.cpu_seconds - used) * 1000 / passed
                cpu.append({"timestamp": time, "value": round(cores, 6)})
                used = point.cpu_seconds
            before = point.time if passed > 0 or before is None else before
            memory.append({"timestamp": time, "value": point.memory_bytes})
            if series.cpu_limit is not None:
                cpu_limit.append({"timestamp": time, "value": series.cpu_limit})
            if series.memory_limit is not None:
                memory_limit.append({"timestamp": time, "value": series.memory_limit})
    return {"cpuUsage": cpu, "cpuLimit": cpu_limit, "memoryUsage": memory, "memoryLimit": memory_limit}
