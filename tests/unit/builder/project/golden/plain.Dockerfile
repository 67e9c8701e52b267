FROM ghcr.io/serviceexecution/python:3.11-0.1.0 AS build
COPY ["requirements.txt", "/app/user_code/requirements.txt"]
RUN --mount=type=cache,target=/var/cache/uv \
    cd /app/user_code && export UV_CACHE_DIR=/var/cache/uv && uv pip install --python /opt/venv/bin/python --no-progress --color never --requirement requirements.txt 'qhub-commons>=1.2,<2' || /opt/venv/bin/python -I -m serviceexecution.launcher.pip_install --requirement requirements.txt 'qhub-commons>=1.2,<2'
COPY . /app/user_code
RUN /opt/venv/bin/python -I -m compileall -q /app/user_code > /dev/null 2>&1 || true

FROM build AS check
RUN /opt/venv/bin/python -m serviceexecution.launcher.check --source /app/user_code --entry-point user_code.src.program:run --report /report.json

FROM scratch AS report
COPY --from=check /report.json /report.json

FROM build AS image
ENV ENTRYPOINT=user_code.src.program:run
USER 65532:65532
ENTRYPOINT ["/opt/venv/bin/python", "-m", "serviceexecution.launcher"]
CMD []
