from serviceexecution.builder.tools.buildah import _shown
from tests.unit.builder.support import data_lines


def test_what_buildah_says_of_an_unknown_instruction_has_no_environment_in_it():
    found = [line for text in data_lines("buildah", "unknown") for line in _shown(text)]

    assert found[-1] == 'Error: building at STEP "FETCH ": Build error: Unknown instruction: "FETCH"'
    assert not any("PATH=" in line for line in found)


def test_warnings_that_are_the_plan():
    lines = [
        'time="x" level=warning msg="error running newgidmap: exit status 1: newgidmap: write to gid_map failed"',
        'time="x" level=warning msg="Falling back to single mapping"',
        "subprocess exited with status 3",
        "what a step printed",
    ]

    assert [line for text in lines for line in _shown(text)] == ["what a step printed"]
