# weir in a container. Configuration: /etc/weir (read-only is fine); data: /var/lib/weir; admin socket: /run/weir.
FROM debian:bookworm-slim AS build
COPY script/bootstrap /src/script/bootstrap
RUN /src/script/bootstrap build
COPY . /src
RUN cmake -S /src -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DWEIR_TESTS=OFF \
 && ninja -C /build weir \
 && strip /build/server/app/weir

FROM debian:bookworm-slim
COPY script/bootstrap /tmp/bootstrap
RUN /tmp/bootstrap run && rm -rf /tmp/bootstrap /var/lib/apt/lists/* \
 && groupadd --gid 10001 weir && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/weir --shell /usr/sbin/nologin weir \
 && install -d -o 10001 -g 10001 -m 0750 /etc/weir /var/lib/weir /run/weir
COPY --from=build /build/server/app/weir /usr/bin/weir
USER 10001:10001
WORKDIR /var/lib/weir
VOLUME ["/etc/weir", "/var/lib/weir"]
# 8883 all protocols over TLS, 1883 plain MQTT where configured, 9464 metrics and health
EXPOSE 8883 1883 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/bin/weir", "status", "--ready"]
ENTRYPOINT ["/usr/bin/weir"]
CMD ["serve"]
