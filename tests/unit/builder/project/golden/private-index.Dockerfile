FROM registry.example/python:3.13 AS build
COPY ["requirements.txt", "/app/user_code/requirements.txt"]
RUN --mount=type=cache,target=/var/cache/uv \
    --mount=type=secret,id=ca.crt,target=/run/build/ca.crt \
    --mount=type=secret,id=environment,target=/run/build/environment \
    --mount=type=secret,id=netrc,target=/run/build/netrc \
    --mount=type=secret,id=uv.toml,target=/run/build/uv.toml \
    cd /app/user_code && set -a && . /run/build/environment && set +a && export SSL_CERT_FILE=/run/build/ca.crt REQUESTS_CA_BUNDLE=/run/build/ca.crt NETRC=/run/build/netrc UV_CONFIG_FILE=/run/build/uv.toml UV_CACHE_DIR=/var/cache/uv && uv pip install --python /opt/venv/bin/python --no-progress --color never --requirement requirements.txt 'qhub-commons>=1.2,<2' || /opt/venv/bin/python -I -m serviceexecution.launcher.pip_install --requirement requirements.txt 'qhub-commons>=1.2,<2'
COPY . /app/user_code
RUN /opt/venv/bin/python -I -m compileall -q /app/user_code > /dev/null 2>&1 || true

FROM build AS check
RUN /opt/venv/bin/python -m serviceexecution.launcher.check --source /app/user_code --entry-point user_code.main:go --report /report.json

FROM scratch AS report
COPY --from=check /report.json /report.json

FROM build AS image
ENV ENTRYPOINT=user_code.main:go
USER 65532:65532
ENTRYPOINT ["/opt/venv/bin/python", "-m", "serviceexecution.launcher"]
CMD []
