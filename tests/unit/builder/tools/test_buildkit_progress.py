from serviceexecution.builder.tools.buildkit_progress import ProgressFilter
from tests.unit.builder.support import data_lines


def shown(lines, known=None):
    progress = ProgressFilter(set() if known is None else known)
    return [line for text in lines for line in progress.take(text)]


def test_what_is_worth_a_line():
    found = shown(data_lines("buildkit", "ok"))

    assert "#7 0.085 hello" in found
    assert "#7 [3/3] RUN echo hello && cat /a.txt" in found
    assert "#7 DONE 0.1s" in found
    assert not any("load metadata" in line or ".dockerignore" in line for line in found)
    assert "" not in found


def test_a_cache_that_is_not_there_is_no_error_to_be_seen():
    found = shown(data_lines("buildkit", "cachemissing"))

    assert not any("importing cache" in line for line in found)
    assert '#6 ERROR: process "/bin/sh -c exit 5" did not complete successfully: exit code: 5' in found
    assert found.count("------") == 2
    assert " > [2/2] RUN exit 5:" in found
    assert found[-1].startswith("error: failed to solve:")


def test_the_error_of_a_step_whose_beginning_is_not_shown():
    found = shown(data_lines("buildkit", "basemissing"))

    assert "#2 ERROR: docker.io/library/nosuch:1: not found" in found


def test_steps_of_an_earlier_call_are_not_shown_again():
    known: set[str] = set()
    shown(data_lines("buildkit", "ok"), known)

    found = shown(data_lines("buildkit", "ok"), known)

    assert [line for line in found if line.startswith("#7")] == []
    assert "#8 exporting to image" in found


def test_states_of_a_step_in_between_are_not_shown():
    lines = [
        "#5 [1/2] FROM x",
        "#5 sha256:abc 37.75MB / 69.66MB 0.3s",
        "#5 sha256:abc 69.66MB / 69.66MB 0.7s done",
        "#5 extracting sha256:abc",
        "#5 ...",
        "#5 [1/2] FROM x",
        "#5 DONE 1.0s",
    ]

    assert shown(lines) == ["#5 [1/2] FROM x", "#5 sha256:abc 69.66MB / 69.66MB 0.7s done", "#5 DONE 1.0s"]
