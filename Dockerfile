# The one binary, static, as a user without rights. The caches keep modules and what was compiled from one build to the next.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /onlywave .

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /onlywave /onlywave
USER nonroot:nonroot
ENTRYPOINT ["/onlywave"]
