"""Options of ``sx logs`` and ``sx builds logs``."""

import pytest

LINES = ["one", "two error", "three", "four Error"]


@pytest.fixture(params=["logs service", "logs plain", "builds logs plot r1"])
def logs(request, cluster, sx):
    """Run the command on the log of an execution of a service, of one without, and of a build."""
    cluster.execution("service", spec={"serviceRef": {"name": "plot"}}, status={"phase": "Succeeded"})
    cluster.execution("plain", status={"phase": "Succeeded"})
    cluster.definition("plot", status={"revisions": [{"name": "r1", "phase": "Succeeded"}]})
    cluster.logs |= {"uid-service": LINES, "plain": LINES, "r1": LINES}
    return lambda *options: sx(*request.param.split(), *options)


@pytest.mark.parametrize("follow", [(), ("-f",)])
@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ((), LINES),
        (("--tail", "1"), LINES[3:]),
        (("--tail", "0"), []),
        (("--grep", "(?i)error"), [LINES[1], LINES[3]]),
        (("--grep", "(?i)error", "--tail", "1"), LINES[3:]),
        (("--timestamps", "--grep", "one"), ["2026-01-01T00:00:00.123456789Z one"]),
        (("--since", "1h"), LINES[1:]),
    ],
)
def test_lines_are_chosen(logs, options, lines, follow):
    assert logs(*options, *follow)[:2] == (0, "".join(f"{line}\n" for line in lines))


def test_what_is_no_expression_is_named(logs):
    assert logs("--grep", "(")[2].startswith("sx: --grep: '(' is no regular expression")
    assert "--since must be a duration" in logs("--since", "soon")[2]
