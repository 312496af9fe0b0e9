# SPDX-License-Identifier: Apache-2.0
#
# The image, for those who have a container engine: docker build --build-arg VERSION=v1.2.3 -t doorbell:v1.2.3 .
# "make image" makes one like it without an engine, byte for byte the same each time.
FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY api api
COPY cmd cmd
COPY config config
COPY controllers controllers
COPY ingest ingest
ARG TARGETOS=linux TARGETARCH VERSION=dev
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
	go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /programs/ ./cmd/...

FROM gcr.io/distroless/static:nonroot
LABEL org.opencontainers.image.title=doorbell \
	org.opencontainers.image.source=https://github.com/doorbell-dev/doorbell \
	org.opencontainers.image.licenses=Apache-2.0
COPY --from=build /programs/ /
USER 65532:65532
