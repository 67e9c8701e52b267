"""Runs that succeed: each kind of argument and of return value."""

import hashlib

from tests.support.launcher.case import SECRET, Expected, case_of, main_result

SUM = """
    from typing import Any, Dict
    def run(data: Dict[str, Any], params: Dict[str, Any]) -> Dict[str, Any]:
        total = sum(data["values"])
        return {"sum": round(total) if params["round_up"] else total}
"""


ARGUMENTS = (
    case_of(
        "dict",
        SUM,
        main_result({"sum": 6}),
        input={"data": {"values": [1, 2, 2.9]}, "params": {"round_up": True}},
    ),
    case_of(
        "bare_dict",
        "def run(data: dict) -> dict:\n    return data\n",
        main_result({"a": [1]}),
        input={"data": {"a": [1]}},
    ),
    case_of(
        "list",
        """
        from typing import List
        def run(values: List[int]) -> List[int]:
            return [value + 1 for value in values]
        """,
        main_result([2, 3]),
        input={"values": [1, "2"]},
    ),
    case_of(
        "str",  # the library hands over the JSON text, with its quotes
        "def run(text: str) -> dict:\n    return {'text': text}\n",
        main_result({"text": '"hello é"'}),
        input={"text": "hello é"},
    ),
    case_of(
        "int",
        "def run(count: int) -> dict:\n    return {'count': count + 1}\n",
        main_result({"count": 6}),
        input={"count": 5},
    ),
    case_of(
        "float",
        "def run(x: float) -> dict:\n    return {'x': x * 2}\n",
        main_result({"x": 3.0}),
        input={"x": 1.5},
    ),
    case_of(
        "bool",  # the library makes True of every text
        "def run(on: bool, off: bool) -> dict:\n    return {'on': on, 'off': off}\n",
        main_result({"on": True, "off": True}),
        input={"on": True, "off": False},
    ),
    case_of(
        "model",
        """
        from typing import List
        from pydantic import BaseModel
        class Data(BaseModel):
            values: List[float]
            unit: str = "m"
        class Params(BaseModel):
            factor: float = 2.0
        class Result(BaseModel):
            total: float
            unit: str
        def run(data: Data, params: Params) -> Result:
            return Result(total=sum(data.values) * params.factor, unit=data.unit)
        """,
        main_result({"total": 6.0, "unit": "m"}),
        input={"data": {"values": [1, "2"]}},
    ),
    case_of(
        "optional",
        """
        from typing import Dict, List, Optional
        def run(a: Optional[int], b: Optional[List[int]], c: Optional[int] = 7, d: Optional[dict] = None) -> Dict:
            return {"a": a, "b": b, "c": c, "d": d}
        """,
        main_result({"a": None, "b": [1], "c": 7, "d": {"x": 1}}),
        input={"a": None, "b": [1], "d": {"x": 1}},
    ),
    case_of(
        "defaults",
        """
        def run(data: dict, factor: int = 3, label: str = "none") -> dict:
            return {"factor": factor, "label": label}
        """,
        main_result({"factor": 5, "label": "none"}),
        input={"data": {}, "factor": 5},
    ),
    case_of(
        "secret",
        """
        import hashlib
        from LIBRARY.commons.secret import SecretValue
        def run(api_token: SecretValue, ibmToken: SecretValue) -> dict:
            print(api_token, repr(ibmToken))
            return {"sha256": hashlib.sha256(api_token.unwrap().encode()).hexdigest(), "other": str(ibmToken)}
        """,
        main_result(
            {"sha256": hashlib.sha256(SECRET.encode()).hexdigest(), "other": "[redacted]"},
            log=("[redacted] SecretValue([redacted])",),
        ),
        secrets={"api_token": SECRET, "ibmToken": f"{SECRET}-2"},
    ),
    case_of(
        "optional_secret",
        """
        from typing import Optional
        from LIBRARY.commons.secret import SecretValue
        def run(token: Optional[SecretValue] = None) -> dict:
            return {"token": token is not None}
        """,
        main_result({"token": False}),
    ),
    case_of(
        "data_pool",
        """
        from LIBRARY.commons.datapool import DataPool
        def run(training_data: DataPool) -> dict:
            with training_data.open("one.csv") as file:
                return {"files": sorted(training_data.list_files()), "one": file.read()}
        """,
        main_result({"files": ["one.csv", "two.csv"], "one": "1,2"}),
        pools={"training_data": {"one.csv": "1,2", "two.csv": "3"}},
    ),
    case_of(
        "kwargs",  # the library passes none
        """
        def run(data: dict, **rest) -> dict:
            return {"data": data, "rest": rest}
        """,
        main_result({"data": {}, "rest": {}}),
        input={"data": {}, "more": 1},
    ),
    case_of(
        "types",
        """
        from datetime import date, datetime
        from decimal import Decimal
        from enum import Enum
        from pathlib import Path
        from typing import Any, Dict, Set, Tuple, Union
        from uuid import UUID
        class Color(Enum):
            RED = "red"
        def run(
            day: date, at: datetime, price: Decimal, color: Color, by_name: Color, file: Path, anything: Any,
            scores: Dict[str, int], tags: Set[str], pair: Tuple[int, str], either: Union[int, list], id: UUID,
        ) -> dict:
            return {
                "day": day.isoformat(), "at": at.isoformat(), "price": str(price), "color": color.value,
                "by_name": by_name.value, "file": file.name, "anything": anything, "scores": scores,
                "tags": sorted(tags), "pair": pair, "either": either, "id": str(id),
            }
        """,
        main_result(
            {
                "day": "2026-01-02",
                "at": "2026-01-02T03:04:05+00:00",
                "price": "1.50",
                "color": "red",
                "by_name": "red",
                "file": "b",
                "anything": [None],
                "scores": {"a": 1, "b": 2},
                "tags": ["x", "y"],
                "pair": [1, "z"],
                "either": [5],
                "id": "12345678-1234-5678-1234-567812345678",
            }
        ),
        input={
            "day": "2026-01-02",
            "at": "2026-01-02T03:04:05Z",
            "price": "1.50",
            "color": "red",
            "by_name": "RED",
            "file": "a/b",
            "anything": [None],
            "scores": {"a": 1, "b": "2"},
            "tags": ["y", "x", "x"],
            "pair": [1, "z"],
            "either": [5],
            "id": "12345678-1234-5678-1234-567812345678",
        },
    ),
)

RETURNS = (
    case_of(
        "returns_str",
        "def run() -> str:\n    return 'x\"é'\n",
        Expected(text={"output.txt": '"x\\"\\u00e9"'}),
    ),
    case_of("returns_int", "def run() -> int:\n    return 42\n", Expected(text={"output.txt": "42"})),
    case_of("returns_float", "def run() -> float:\n    return 0.5\n", Expected(text={"output.txt": "0.5"})),
    case_of("returns_bool", "def run() -> bool:\n    return True\n", Expected(text={"output.txt": "true"})),
    case_of(
        "returns_bytes",
        "def run() -> bytes:\n    return b'ab'\n",
        main_result(
            "b'ab'", log=("The result has a value of the type bytes, of which only the text is written",)
        ),
    ),
    case_of(
        "returns_array",
        """
        from array import array
        from datetime import date
        def run() -> dict:
            return {"day": date(2026, 1, 2), "deep": [{"values": array("i", [1])}]}
        """,
        main_result(
            {"day": "2026-01-02", "deep": [{"values": "array('i', [1])"}]},
            log=("The result has a value of the type array.array, of which only the text is written",),
        ),
    ),
    case_of(
        "returns_list", "def run() -> list:\n    return [1, {'a': None}]\n", main_result([1, {"a": None}])
    ),
    case_of(
        "returns_none", "def run() -> None:\n    print('nothing to say')\n", Expected(log=("nothing to say",))
    ),
    case_of(
        "returns_files",
        """
        from LIBRARY.commons.runtime.output import write_binary_output, write_string_output
        def run() -> dict:
            write_string_output("report.txt", "read me")
            write_binary_output("plot.bin", bytes([1, 2]))
            return {"files": 2}
        """,
        main_result({"files": 2}, text={"report.txt": "read me", "plot.bin": "\x01\x02"}),
    ),
    case_of(
        "own_main_result",
        """
        from LIBRARY.commons.runtime.output import write_string_output
        def run() -> None:
            write_string_output("output.json", '{"own": 1}')
        """,
        main_result({"own": 1}),
    ),
)
