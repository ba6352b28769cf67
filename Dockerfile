# omnihook as an image: the three programs, and what they need of Debian.
#   docker build -t omnihook .                    the service
#   docker build -t omnihook-demo --target demo . the service, a simulated Omnitron and the tour of docker-compose.yml
# Builds with BuildKit and with the builder that was before it.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        cmake gcc libc6-dev libcurl4-openssl-dev libevent-dev libhiredis-dev libjansson-dev libssl-dev \
        ninja-build pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The same tree gives the same bytes: no path of the build, no time, nothing of the machine is in them.
ENV SOURCE_DATE_EPOCH=0
RUN cmake -S . -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DOMNIHOOK_TESTS=OFF \
        -DCMAKE_C_FLAGS="-ffile-prefix-map=/src=." \
    && cmake --build /build \
    && mkdir /programs && cp /build/bin/* /programs/ && strip /programs/*

# The simulator is no part of the service; what both are made of is not compiled twice.
FROM build AS build-demo
RUN cmake -S . -B /build -DOMNIHOOK_SIMULATOR=ON && cmake --build /build \
    && strip /build/bin/omnitron-sim

# Debian's libraries for the programs, and no more than those. Logs, caches and lists tell when the image was built.
FROM ${BASE} AS runtime
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates libcurl4t64 libevent-2.1-7t64 libhiredis1.1.0 libjansson4 libssl3t64 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/cache/ldconfig/* /var/log/* \
        /var/lib/dpkg/*-old /etc/*-

FROM runtime AS demo
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends curl libevent-openssl-2.1-7t64 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /programs/ /usr/bin/
COPY --from=build-demo /build/bin/omnitron-sim /usr/bin/
COPY tests/demo/ /usr/share/omnihook/demo/
USER 65532:65532
CMD ["omnitron-sim", "--listen", "0.0.0.0:8000"]

# Last, so that it is what a build without --target makes.
FROM runtime AS omnihook
LABEL org.opencontainers.image.title="omnihook" \
    org.opencontainers.image.description="Webhook setup services for Omnitron" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.base.name="docker.io/library/debian:trixie-slim"
COPY --from=build /programs/ /usr/bin/
COPY LICENSE /usr/share/doc/omnihook/copyright
# Inside, whoever reaches the container may be answered; who that is, its networks and published ports decide.
# One address for both daemons: one container runs one of them, and the health check fits either.
ENV OMNIHOOK_LISTEN=0.0.0.0:8080 \
    OMNIHOOK_OPS_LISTEN=0.0.0.0:9180
EXPOSE 8080 9180
USER 65532:65532
WORKDIR /
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["omnihook-api", "--probe"]
CMD ["omnihook-api"]
