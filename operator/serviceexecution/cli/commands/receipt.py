"""``sx receipt``: what ran, with what, for how long, and what it used."""

from serviceexecution.cli.console import say, say_json
from serviceexecution.cli.options import (
    ContextOption,
    ExecutionArgument,
    GatewayOption,
    NamespaceOption,
    Output,
    OutputOption,
)
from serviceexecution.cli.sizes import shown_size
from serviceexecution.cli.summaries import execution_summary
from serviceexecution.cli.terminal import visible_line
from serviceexecution.contract.json_types import JsonObject, object_at, objects_of, text_of


def receipt(
    execution: ExecutionArgument,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    gateway: GatewayOption = "",
    output: OutputOption = Output.TABLE,
) -> None:
    """Show what an execution ran with, and what it used.

    The receipt has its image, digests of input and output, and times. With -o json it is one document, described by
    docs/receipt.schema.json.

    \b
    Examples:
      sx receipt 5f0c…
      sx receipt 5f0c… -o json > receipt.json
    """
    from serviceexecution.cli.session import open_session
    from serviceexecution.resources.receipt import receipt_of

    with open_session(context, namespace, gateway) as session:
        found = session.execution_object(execution)
    document = receipt_of(found, execution_summary(found).api_id)
    if output is Output.JSON:
        say_json(document)
    else:
        for line in receipt_lines(document):
            say(line)


def receipt_lines(receipt: JsonObject) -> list[str]:
    """Return the receipt for people. Pure."""
    service, image = object_at(receipt, "service"), object_at(receipt, "image")
    submitter, output = object_at(receipt, "submittedBy"), object_at(receipt, "output")
    rows = [
        ("execution", text_of(receipt.get("id"))),
        ("service", " ".join(text_of(service.get(name)) for name in ("name", "revision")).strip()),
        ("image", "@".join(text_of(image.get(name)) for name in ("reference", "digest")).strip("@")),
        ("submitted by", " ".join(text_of(submitter.get(name)) for name in ("kind", "name")).strip()),
        ("phase", " ".join(text_of(receipt.get(name)) for name in ("phase", "reason")).strip()),
        ("exit code", _number(receipt.get("exitCode"))),
        ("attempts", _number(receipt.get("attempts"))),
        ("input", _digest(object_at(receipt, "input"))),
        ("output", " ".join((_digest(output), _output_size(output))).strip()),
        *_usage_rows(object_at(receipt, "usage")),
    ]
    lines = [f"{name + ':':<14} {visible_line(value)}" for name, value in rows if value]
    phases = objects_of(receipt.get("phases"))
    if phases:
        lines.append("")
    lines += [
        visible_line(
            f"{text_of(one.get('name')) + ':':<14} {_number(one.get('seconds')):>6} s  from {one.get('from')}"
        )
        for one in phases
    ]
    return lines


def _usage_rows(usage: JsonObject) -> list[tuple[str, str]]:
    cpu, peak = usage.get("cpuSeconds"), usage.get("memoryPeakBytes")
    least = "" if usage.get("complete") is True else "at least "
    rows = [
        ("CPU", "" if cpu is None else f"{least}{cpu} s"),
        ("memory", f"{least}{shown_size(peak)}" if isinstance(peak, int) else ""),
    ]
    for name, member in (("read", "readBytes"), ("written", "writtenBytes")):
        size = usage.get(member)
        rows.append((name, shown_size(size) if isinstance(size, int) else ""))
    return rows


def _digest(part: JsonObject) -> str:
    digest = text_of(part.get("digest"))
    return f"sha256:{digest}" if digest else ""


def _output_size(output: JsonObject) -> str:
    count, size = output.get("fileCount"), output.get("totalBytes")
    if not isinstance(count, int) or not isinstance(size, int):
        return ""
    return f"({count} {'file' if count == 1 else 'files'}, {shown_size(size)})"


def _number(value: object) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
