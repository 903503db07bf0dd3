# The image of the pipeline's steps on Kubeflow: each step's command is given by the package (python -m kubeflow.node ...).
#
#   docker build --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" -t REGISTRY/community-din:0.1.0 .
#
# Debian 13, because the lock's newest wheels need glibc 2.39 and libstdc++ 14.
ARG BASE=python:3.11-slim-trixie

FROM ${BASE} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# For pyfarmhash, which has no wheel. Debian serves only its newest versions, so that a pinned one would soon be gone.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The packages come first: they change less often than the code, and most of the image's size is in them. pip compiles what it
# installs, since a step that compiles TFX's thousands of modules anew starts half a minute later.
COPY requirements.lock ./
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement requirements.lock
COPY . ./
RUN /opt/venv/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="community-din" \
      org.opencontainers.image.description="Steps of a TFX pipeline from interaction CSVs to a served DIN ranking model" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 din \
    && useradd --uid 10001 --gid din --create-home --shell /usr/sbin/nologin din
COPY --from=build /opt/venv /opt/venv
# A layer of its own: a new commit sends only this one.
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    /opt/venv/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl
# Unlike TFX's own images this one does not set TF_USE_LEGACY_KERAS: the model is Keras 3. Output of a step shows at once.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /home/din
