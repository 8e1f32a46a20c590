# The one binary, static, as a user without rights.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /onlywave .

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /onlywave /onlywave
USER nonroot:nonroot
ENTRYPOINT ["/onlywave"]
