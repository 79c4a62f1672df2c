# The image holds one file: the static binary. No shell, no libc, no certificates (the usual roots are compiled in).
#
#   docker build --build-arg VERSION=0.1.0 -t prereq .
#   docker build --build-arg VERSION=0.1.0 --build-arg FLAVOUR=slim -t prereq:slim .
#   docker build --build-context build=target/x86_64-unknown-linux-gnu/release -t prereq .
#
# The last form takes a binary that is there already: a named context replaces the stage of that name, so nothing
# is compiled and no base image is pulled. All forms work with BuildKit and with podman/buildah.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# full has everything; slim has what an init container needs.
ARG FLAVOUR=full
# glibc links statically without further packages; ring needs the C compiler that the rust image has.
RUN set -eu; \
    host="$(rustc -vV | sed -n 's/^host: //p')"; \
    case "$FLAVOUR" in \
      full) ;; \
      slim) set -- --no-default-features --features slim ;; \
      *) echo "FLAVOUR is full or slim" >&2; exit 1 ;; \
    esac; \
    lld=; case "$host" in x86_64-*) \
      lld="-C link-arg=-Wl,--icf=all -C link-arg=-Wl,--symbol-ordering-file=link/start.order -C link-arg=-Wl,--no-warn-symbol-ordering" ;; \
    esac; \
    export CARGO_PROFILE_RELEASE_STRIP=none; \
    RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static --cfg getrandom_backend=\"linux_getrandom\" -C link-arg=-Wl,--no-eh-frame-hdr $lld" \
      cargo build --release --locked --bin prereq --target "$host" "$@"; \
    strip "target/$host/release/prereq"; \
    mv "target/$host/release/prereq" /prereq

FROM scratch
ARG VERSION=0.0.0
# The page of the repository the image is published from.
ARG SOURCE=""
# The commit it is built from.
ARG REVISION=""
LABEL org.opencontainers.image.title="prereq" \
      org.opencontainers.image.description="Holds a program back until everything it depends on is really there, and says why when it is not" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build --chmod=0755 /prereq /prereq
# A number, so that Kubernetes can see that it is not root (runAsNonRoot).
USER 65534:65534
ENTRYPOINT ["/prereq"]
