# One image for every machine: docker build -t facesite . (docs/deployment.md, "In containers").
# Everything that a site keeps lies under /data; the rest of the file system may be read-only.
ARG PYTHON=3.13-slim-trixie

FROM python:${PYTHON} AS build
# The headers of MySQL's client, for its driver; nothing of this stage but /venv reaches the image.
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends default-libmysqlclient-dev gcc pkg-config \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /venv
COPY requirements.txt requirements-milvus.txt /tmp/
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements.txt
# With --build-arg MILVUS=1 also what GALLERY_URL needs.
ARG MILVUS=
RUN test -z "$MILVUS" \
    || /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/requirements-milvus.txt

FROM python:${PYTHON}
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends libmariadb3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin facesite \
    && mkdir -p /data/keys /data/models \
    && chown -R facesite:facesite /data
COPY --from=build /venv /venv
COPY . /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/data \
    DATABASE_URL=sqlite:////data/facesite.sqlite3 \
    FACESITE_MODELS_DIR=/data/models \
    FACESITE_DATA_KEY_FILE=/data/keys/site-key \
    FACESITE_AUDIT_KEY_FILE=/data/keys/audit-key
# Static files are made here, for the root may be read-only later; a new volume begins with the starter pack.
RUN SECRET_KEY=only-for-this-step-0123456789-abcdefghijklmnopqrstuvwxyz \
        python manage.py shell -c "from facesite.storage import collect_static_files; collect_static_files()" \
    && cp models/starter_*.onnx models/*_cohort.npy /data/models/ \
    && chown -R facesite:facesite /data
USER facesite
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "manage.py", "serve", "--prepare", "--host", "0.0.0.0", "--port", "8000"]
