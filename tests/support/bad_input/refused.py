"""Bad inputs that the API server refuses: nothing is created."""

from typing import Final

from tests.support.bad_input.case import BadInput, RefusedBy, with_hello

_SECRETS_HINT = (
    "everybody who can read the resource would see them. Put the values into a Kubernetes Secret and name it in "
    "spec.secrets, for example secrets: {api_token: {secretKeyRef: {name: my-secret, key: api_token}}}."
)

REFUSED_CASES: Final = (
    BadInput(
        "no-image",
        "No image",
        RefusedBy.SCHEMA,
        "spec.runtime.docker.image: Required value",
        {"runtime": {"docker": {}}},
    ),
    BadInput(
        "input-twice",
        "Both `input` and `inputJson`",
        RefusedBy.SCHEMA,
        "give the input once: as input, as inputJson or as inputFrom",
        with_hello(input={"data": 1}, inputJson="{}"),
    ),
    BadInput(
        "input-is-a-list",
        "`input` is a list",
        RefusedBy.SCHEMA,
        'spec.input: Invalid value: "array": spec.input in body must be of type object: "array"',
        with_hello(input=[1, 2]),
    ),
    BadInput(
        "input-json-too-long",
        "`inputJson` longer than 256 KiB",
        RefusedBy.SCHEMA,
        "spec.inputJson: Too long: may not be more than 262144 bytes",
        with_hello(inputJson='{"data": "' + "x" * 262144 + '"}'),
    ),
    BadInput(
        "duration",
        "`timeout: soon`",
        RefusedBy.SCHEMA,
        'spec.timeout: Invalid value: "soon": must be a duration such as 1h30m, 90s, 500ms or a whole number of '
        "seconds",
        with_hello(timeout="soon"),
    ),
    BadInput(
        "sub-path",
        "A data pool's `subPath: ../other`",
        RefusedBy.SCHEMA,
        "must be a relative path without '..'",
        with_hello(dataPools={"a": {"persistentVolumeClaim": {"claimName": "pool"}, "subPath": "../other"}}),
    ),
    BadInput(
        "changed",
        "Changing `timeout` of an execution",
        RefusedBy.SCHEMA,
        "timeout is immutable: an execution runs once; create a new one to run with other values",
        with_hello(timeout="1h"),
        change={"spec": {"timeout": "2h"}},
    ),
    BadInput(
        "uncancelled",
        "Setting `cancel` back to false",
        RefusedBy.SCHEMA,
        "cancel cannot be taken back: create a new execution",
        with_hello(cancel=True),
        change={"spec": {"cancel": False}},
    ),
    BadInput(
        "secrets-in-input",
        "`$secrets` in `input`",
        RefusedBy.SCHEMA,
        "secrets must not stand in the input: put them into a Secret and name it in spec.secrets",
        with_hello(input={"data": 1, "$secrets": {"token": "x"}}),
    ),
    BadInput(
        "secrets-in-input-json",
        "`$secrets` in `inputJson`",
        RefusedBy.POLICY,
        f'spec.inputJson holds "$secrets": {_SECRETS_HINT}',
        with_hello(inputJson='{"data": 1, "$secrets" : {"token": "x"}}'),
    ),
    BadInput(
        "input-json-is-a-list",
        "`inputJson` is a list",
        RefusedBy.POLICY,
        "spec.inputJson must be the text of a JSON object, one property per file, such as '{\"data\": 1}'.",
        with_hello(inputJson="[1, 2]"),
    ),
    BadInput(
        "property-name",
        "A property `a/b` in `input`",
        RefusedBy.POLICY,
        'spec.input has names that cannot become files: "a/b". Each property becomes the file <name>.json, so a '
        'name must not be empty and must not hold "/" or "."; rename it, for example with "_".',
        with_hello(input={"a/b": 1}),
    ),
    BadInput(
        "pool-name",
        "A data pool `a.b`",
        RefusedBy.POLICY,
        'spec.dataPools has names that cannot become folders: "a.b". Each data pool is mounted at '
        '/var/runtime/datapool/<name>, so a name must not be empty and must not hold "/", "." or ":"; rename it, '
        'for example with "_".',
        with_hello(dataPools={"a.b": {"persistentVolumeClaim": {"claimName": "pool"}}}),
    ),
)
