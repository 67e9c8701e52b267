# ruff: noqa: E501 - sentences and attacks stand on one line
"""What the tools really printed (data/), and what is made of it."""

import re

import pytest

from serviceexecution.builder.failures.errors import Reason
from serviceexecution.builder.failures.tool_failures import tool_error
from tests.unit.builder.support import data_lines

BASE = "FROM docker.io/library/busybox:1.35.0\n"
DOCKERFILES = {
    "badflag": BASE + "RUN --mount=type=wrong true\n",
    "copymissing": BASE + "COPY a.txt missing.txt /x/\n",
    "enospc": BASE + 'RUN echo "cp: write error: No space left on device" && exit 1\n',
    "heredoc": BASE + "RUN <<EOF\necho first\nfalse\necho after\nEOF\nRUN exit 5\n",
    "notfoundcmd": BASE + "RUN nosuchcommand --flag\n",
    "runfails": BASE.strip() + " AS base\nRUN echo one && echo two >&2 && \\\n    echo three && exit 3\n",
    "stagecopy": BASE.strip() + " AS one\nRUN true\n" + BASE + "COPY --from=one /nothere /x\n",
    "syntax": BASE + "COPY onlyone\n",
    "unknown": BASE + "RUN true\nFETCH http://x /y\n",
}
BOTH = {
    "unknown": (
        Reason.DOCKERFILE_INVALID,
        "Line 3 of the Dockerfile cannot be built: unknown instruction: FETCH.",
        "FETCH http://x /y",
    ),
    "badflag": (
        Reason.DOCKERFILE_INVALID,
        'mount type "wrong".',
        "RUN --mount=type=wrong true",
    ),
    "syntax": (Reason.DOCKERFILE_INVALID, "Line 2 of the Dockerfile cannot be built: COPY requires at least", "COPY onlyone"),
    "empty": (Reason.DOCKERFILE_INVALID, "The Dockerfile cannot be built: ", ""),
    "nofrom": (Reason.DOCKERFILE_INVALID, "of the Dockerfile cannot be built: no build stage|The Dockerfile cannot be built: no FROM", None),
    "targetmissing": (Reason.DOCKERFILE_INVALID, '"nosuch"', ""),
    "copymissing": (
        Reason.STEP_FAILED,
        ("Line 2 of the Dockerfile: COPY a.txt missing.txt /x/ failed: the source has no 'missing.txt', or .dockerignore "
        "leaves it out."),
        "COPY a.txt missing.txt /x/",
    ),
    "stagecopy": (
        Reason.STEP_FAILED,
        "Line 4 of the Dockerfile: COPY --from=one /nothere /x failed: the stage or image has no 'nothere'.",
        "COPY --from=one /nothere /x",
    ),
    "basemissing": (
        Reason.BASE_IMAGE_NOT_FOUND,
        "The base image docker.io/library/nosuch:1 does not exist: check its name and tag.",
        "FROM docker.io/library/nosuch:1",
    ),
    "tagmissing": (
        Reason.BASE_IMAGE_NOT_FOUND,
        "The base image docker.io/library/busybox:9.9 does not exist: check its name and tag.",
        "FROM docker.io/library/busybox:9.9",
    ),
    "hostaway": (
        Reason.REGISTRY_UNAVAILABLE,
        "The registry of the base image registry.invalid/x/y:1 cannot be reached: ",
        "FROM registry.invalid/x/y:1",
    ),
    "refused": (
        Reason.REGISTRY_UNAVAILABLE,
        "dial tcp 127.0.0.1:5999: connect: connection refused.",
        "FROM 127.0.0.1:5999/x/y:1",
    ),
    "runfails": (
        Reason.STEP_FAILED,
        "RUN echo one && echo two >&2 && echo three && exit 3 failed with exit code 3: (one / three / two|two / one / three)[.]$",
        "RUN echo one && echo two >&2 && echo three && exit 3",
    ),
    "notfoundcmd": (
        Reason.STEP_FAILED,
        "Line 2 of the Dockerfile: RUN nosuchcommand --flag failed with exit code 127: /bin/sh: nosuchcommand: not found.",
        "RUN nosuchcommand --flag",
    ),
    "enospc": (Reason.STEP_FAILED, "(the build's pod has no space left).", None),
}  # fmt: skip


def _is_pattern(sentence):
    return "|" in sentence


@pytest.mark.parametrize("builder", ["buildkit", "buildah"])
@pytest.mark.parametrize("name", BOTH)
def test_a_failed_build_has_a_reason_and_a_sentence(builder, name):
    reason, sentence, step = BOTH[name]

    error = tool_error(builder, data_lines(builder, name), dockerfile=DOCKERFILES.get(name, ""))

    assert error.reason is reason
    if _is_pattern(sentence):
        assert re.search(sentence, error.message), error.message
    else:
        assert sentence in error.message
    assert step is None or error.step == step
    assert "\n" not in error.message


def test_a_mirror_without_the_image_and_no_way_to_the_registry():
    error = tool_error("buildah", data_lines("buildah", "mirrormissing"))

    assert error.reason is Reason.BASE_IMAGE_NOT_FOUND


def test_here_documents_are_no_riddle_in_buildah_either():
    # the builder refuses them before; this is what comes should one be overlooked
    error = tool_error("buildah", data_lines("buildah", "heredoc"), dockerfile=DOCKERFILES["heredoc"])

    assert error.message == "Line 3 of the Dockerfile cannot be built: unknown instruction: ECHO."


def test_a_cache_that_cannot_be_read_is_not_taken_for_the_failure():
    error = tool_error("buildkit", data_lines("buildkit", "cachemissing"))

    assert error.step == "RUN exit 5"
    assert (
        error.message == "Line 2 of the Dockerfile: RUN exit 5 failed with exit code 5 and printed nothing."
    )


def test_a_requirement_that_does_not_exist_in_a_python_project():
    lines = data_lines("buildkit", "pythoninstall")

    error = tool_error("buildkit", lines, python=True)

    assert error.reason is Reason.REQUIREMENT_NOT_FOUND
    assert error.message == "The requirement nosuchpackage-zzqx does not exist in the package index."
    assert error.step.startswith("RUN uv pip install ")


def test_an_installation_without_a_word_of_uv():
    lines = [
        "#9 [build 4/7] RUN --mount=type=cache,target=/var/cache/uv     uv pip install -r requirements.txt",
        '#9 ERROR: process "/bin/sh -c uv pip install" did not complete successfully: exit code: 137',
        'error: failed to solve: process "/bin/sh -c uv pip install" did not complete successfully: exit code: 137',
    ]

    error = tool_error("buildkit", lines, python=True)

    assert error.reason is Reason.INSTALL_FAILED
    assert "needed more memory" in error.message


def test_requirements_that_are_left_out_of_a_python_project():
    lines = [
        "#5 [build 3/7] COPY [requirements.txt, /app/user_code/requirements.txt]",
        '#5 ERROR: failed to calculate checksum of ref x::y: "/requirements.txt": not found',
        'error: failed to solve: failed to compute cache key: failed to calculate checksum of ref x::y: "/requirements.txt": not found',
    ]  # fmt: skip

    error = tool_error("buildkit", lines, python=True)

    assert error.reason is Reason.SOURCE_INVALID
    assert (
        error.message == "The build needs the project's requirements.txt, which its .dockerignore leaves out."
    )


def test_a_check_that_breaks_is_no_fault_of_the_project():
    lines = [
        "#9 [check 1/1] RUN /opt/venv/bin/python -m serviceexecution.launcher.check",
        "#9 0.426 /opt/venv/bin/python: No module named serviceexecution",
        '#9 ERROR: process "/bin/sh -c x" did not complete successfully: exit code: 1',
        'error: failed to solve: process "/bin/sh -c x" did not complete successfully: exit code: 1',
    ]

    error = tool_error("buildkit", lines, python=True)

    assert error.reason is Reason.BUILDER_FAILED
    assert "No module named serviceexecution" in error.message


@pytest.mark.parametrize(
    ("printed", "hint"),
    [
        ("chown: changing ownership of '/app': Invalid argument", True),
        ("adduser: cannot create group", True),
        ("make: *** [all] Error 2", False),
    ],
)
def test_buildah_s_limit_is_said_where_it_may_be_the_cause(printed, hint):
    lines = ["STEP 2/2: RUN x", printed, 'Error: building at STEP "RUN x": exit status 1']

    error = tool_error("buildah", lines, dockerfile=BASE + "RUN x\n")

    assert printed in error.message
    assert ("restricted" in error.message) is hint
    assert "restricted" not in tool_error("buildkit", lines).message


def test_a_killed_step_points_to_the_build_s_resources():
    lines = ["STEP 2/2: RUN x", 'Error: building at STEP "RUN x": exit status 137']

    assert "spec.build.resources" in tool_error("buildah", lines).message


@pytest.mark.parametrize(
    "line",
    [
        "[rootlesskit:parent] error: failed to start the child: fork/exec /proc/self/exe: operation not permitted",
        "Error during unshare(CLONE_NEWUSER): Operation not permitted",
    ],
)
def test_a_node_without_user_namespaces(line):
    error = tool_error("buildkit", [f"error: {line}"])

    assert error.reason is Reason.BUILDER_FAILED
    assert "builds.seccompProfile" in error.message


def test_a_fault_of_the_builder_s_is_not_put_down_to_the_instruction():
    lines = [
        "STEP 2/4: COPY a.txt /a.txt",
        "Error: checking if cached image exists from a previous build: open /var/tmp/3254654108: read-only file system",
    ]

    assert tool_error("buildah", lines, dockerfile=BASE).reason is Reason.BUILDER_FAILED


def test_a_tool_that_says_nothing_still_fails_with_a_sentence():
    error = tool_error("buildkit", [])

    assert error.reason is Reason.BUILDER_FAILED
    assert error.message == "The image could not be built: the tool gave no reason."


def test_sentences_of_failed_builds_are_bounded():
    lines = ["STEP 2/2: RUN " + "x" * 5000, "y" * 5000, 'Error: building at STEP "RUN x": exit status 1']

    error = tool_error("buildah", lines)

    assert len(error.message) < 1000
    assert len(error.step) == 500


def test_a_frontend_that_cannot_be_fetched_is_no_base_image():
    line = (
        "error: failed to solve: failed to resolve source metadata for docker.io/docker/dockerfile:1.7-labs: "
        "docker.io/docker/dockerfile:1.7-labs: not found"
    )
    error = tool_error("buildkit", [line])
    assert error.reason is Reason.DOCKERFILE_INVALID
    assert "line # syntax= names the frontend docker.io/docker/dockerfile:1.7-labs" in str(error)
