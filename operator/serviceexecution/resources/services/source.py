"""Where the source of a service comes from that is built in the cluster."""

import hashlib
from typing import Annotated, Final

from pydantic import Field

from serviceexecution.resources.executions.execution_settings import SubPath
from serviceexecution.resources.model import ResourceModel
from serviceexecution.resources.pod_fields import LocalObjectReference

Digest = Annotated[
    str,
    Field(
        max_length=71,
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "self.matches('^sha256:[0-9a-f]{64}$')",
                    "message": "must be sha256: and 64 hexadecimal digits in lower case",
                }
            ]
        },
    ),
]

NO_ARCHIVE: Final = f"sha256:{hashlib.sha256(b'').hexdigest()}"
"""The digest of a source that is still to be uploaded: that of nothing, which the gateway takes for no archive."""


class ArchiveSource(ResourceModel):
    """A tar.gz or zip file that was uploaded to the gateway."""

    digest: Digest
    """SHA-256 of the archive, such as sha256:9f86…, by which it is stored."""


class GitSource(ResourceModel):
    """A Git repository. The commit that was built is recorded in the revision."""

    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2048,
            json_schema_extra={
                "x-kubernetes-validations": [
                    {
                        "rule": "self.matches('^(https?|ssh|git)://[^ ]+$') || self.matches('^[^/@ ]+@[^: ]+:[^ ]+$')",
                        "message": "must be an https, http, ssh or git URL, or user@host:path",
                    },
                    {
                        "rule": "!self.matches('^https?://[^/]*:[^/]*@')",
                        "message": "must hold no password: put it into a Secret and name it in secretRef",
                    },
                ]
            },
        ),
    ]
    """URL of the repository, without credentials."""
    ref: Annotated[
        str,
        Field(
            min_length=1,
            max_length=255,
            json_schema_extra={
                "x-kubernetes-validations": [
                    {
                        "rule": "!self.startsWith('-') && !self.contains('..') && !self.contains(' ')",
                        "message": "must be a branch, a tag or a commit",
                    }
                ]
            },
        ),
    ] = "HEAD"
    """Branch, tag or commit. Defaults to the repository's own default branch. A branch is looked up when the
    definition changes, not when the branch moves: name a commit or change build.token to build again.
    """
    secret_ref: LocalObjectReference | None = None
    """Secret with username and password (or a token as password), or ssh-privatekey and known_hosts."""


class Source(ResourceModel):
    """The source of a service: give either archive or git."""

    archive: ArchiveSource | None = None
    """An archive that was uploaded to the gateway."""
    git: GitSource | None = None
    """A Git repository."""
    sub_path: SubPath | None = None
    """Folder of the source that holds the project. Defaults to its root."""
