"""Bad inputs that the operator refuses by looking at the spec and the objects that it reads."""

from typing import Final

from tests.support.bad_input.case import MINUTE, SECRET, BadInput, RefusedBy, with_hello
from tests.support.sandbox import Sandbox


def _two_labelled_claims(sandbox: Sandbox) -> None:
    for name in ("pool-a", "pool-b"):
        sandbox.claim(name, labels={"serviceexecution.dev/datapool-id": "pool-1"})


SPEC_CASES: Final = (
    BadInput(
        "not-json",
        "`inputJson` that is no JSON",
        RefusedBy.OPERATOR,
        "The input cannot be given to the program as it is. spec.inputJson: The input is not valid JSON: "
        "<what and where>.",
        with_hello(inputJson='{"data": [1,}'),
        reason="InvalidInput",
    ),
    BadInput(
        "property-twice",
        "A property that stands in `inputJson` twice",
        RefusedBy.OPERATOR,
        'The input cannot be given to the program as it is. spec.inputJson["a"]: The property "a" stands in the '
        "input twice; keep one of them.",
        with_hello(inputJson='{"a": 1, "a": 2}'),
        reason="InvalidInput",
    ),
    BadInput(
        "property-dot",
        "A property `a.b` in `inputJson`",
        RefusedBy.OPERATOR,
        'The input cannot be given to the program as it is. spec.inputJson["a.b"]: The property "a.b" has a dot in '
        'its name; programs take a file\'s name up to its first dot, so that they would see it as "a". Rename it, '
        "e.g. with '_'.",
        with_hello(inputJson='{"a.b": 1}'),
        reason="InvalidInput",
    ),
    BadInput(
        "config-map-value",
        "A value of `inputFrom`'s ConfigMap that is no JSON",
        RefusedBy.OPERATOR,
        'The input cannot be given to the program as it is. spec.inputFrom.configMapRef["name"]: The value of '
        '"name" is not valid JSON: <what and where>. A text must stand in double quotes.',
        with_hello(inputFrom={"configMapRef": {"name": "given"}}),
        reason="InvalidInput",
        prepare=lambda sandbox: sandbox.config_map("given", {"name": "Ada"}),
    ),
    BadInput(
        "no-config-map",
        "`inputFrom` names a ConfigMap that is not there",
        RefusedBy.OPERATOR,
        'The ConfigMap named in spec.inputFrom does not exist. Create the ConfigMap "given" or correct '
        "spec.inputFrom.configMapRef.name.",
        with_hello(inputFrom={"configMapRef": {"name": "given"}}, startTimeout="4s"),
        reason="InputNotFound",
        when=MINUTE,
    ),
    BadInput(
        "unknown-pool",
        "The input names a data pool that nothing is labelled with",
        RefusedBy.OPERATOR,
        'The input names a data pool that does not exist. The input\'s property "training" names the data pool '
        '"pool-1": label a PersistentVolumeClaim of this namespace serviceexecution.dev/datapool-id=pool-1, or '
        "name one in spec.dataPools.",
        with_hello(input={"training": {"ref": "DATAPOOL", "id": "pool-1"}}, startTimeout="4s"),
        reason="DataPoolNotFound",
        when=MINUTE,
    ),
    BadInput(
        "ambiguous-pool",
        "Two claims are labelled with the data pool's id",
        RefusedBy.OPERATOR,
        'The spec cannot be run as it is. Several claims carry the label of the data pool "pool-1": pool-a, pool-b.',
        with_hello(input={"training": {"ref": "DATAPOOL", "id": "pool-1"}}),
        reason="InvalidSpec",
        prepare=_two_labelled_claims,
    ),
    BadInput(
        "pool-without-id",
        "A data pool without an id",
        RefusedBy.OPERATOR,
        'The input cannot be given to the program as it is. spec.input["training"].id: The data pool "training" '
        'needs an "id" that is a text of 1 to 253 characters.',
        with_hello(input={"training": {"ref": "DATAPOOL"}}),
        reason="InvalidInput",
    ),
    BadInput(
        "value-and-pool",
        "A property that is a value and a data pool",
        RefusedBy.OPERATOR,
        'The input cannot be given to the program as it is. spec.dataPools["data"]: the input has a value of the '
        "same name; a property is either a value or a data pool.",
        with_hello(input={"data": 1}, dataPools={"data": {"persistentVolumeClaim": {"claimName": "pool"}}}),
        reason="InvalidInput",
    ),
    BadInput(
        "secret-variable",
        "Two secrets that become one variable",
        RefusedBy.OPERATOR,
        'The spec cannot be run as it is. spec.secrets["api_token"]: The secrets "apiToken" and "api_token" both '
        "become SECRET_API_TOKEN; rename one of them.",
        with_hello(secrets={"apiToken": SECRET, "api_token": SECRET}),
        reason="InvalidSpec",
    ),
    BadInput(
        "secret-and-env",
        "A secret whose variable `env` sets too",
        RefusedBy.OPERATOR,
        'The spec cannot be run as it is. spec.secrets["token"]: The secret "token" becomes SECRET_TOKEN, which '
        "spec.env also sets; remove one of the two.",
        with_hello(secrets={"token": SECRET}, env=[{"name": "SECRET_TOKEN", "value": "x"}]),
        reason="InvalidSpec",
    ),
    BadInput(
        "secret-name",
        "A secret whose name is no variable's",
        RefusedBy.OPERATOR,
        'The spec cannot be run as it is. spec.secrets["my token"]: The secret "my token" would become the variable '
        "\"SECRET_MY TOKEN\", which is no legal name; use only ASCII letters, digits, '_', '-' and '.'.",
        with_hello(secrets={"my token": SECRET}),
        reason="InvalidSpec",
    ),
)
