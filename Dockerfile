# The product, or with --target lab the stand-ins for external services (simulator, mail sink). Each image has one static binary and an
# unprivileged user. The caches keep modules and compiled packages from one build to the next.
FROM golang:1.26-bookworm AS source
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .

FROM source AS build-lab
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /onlywave-lab ./test/lab

FROM gcr.io/distroless/static-debian12:nonroot AS lab
COPY --from=build-lab /onlywave-lab /onlywave-lab
USER nonroot:nonroot
ENTRYPOINT ["/onlywave-lab"]

FROM source AS build
# The version of the workers at Temporal, such as the commit; empty: part of the program's hash.
ARG BUILD_ID=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X github.com/onlywave/onlywave/internal/build.id=$BUILD_ID" -o /onlywave .

# The last stage is the default target.
FROM gcr.io/distroless/static-debian12:nonroot AS product
COPY --from=build /onlywave /onlywave
USER nonroot:nonroot
ENTRYPOINT ["/onlywave"]
