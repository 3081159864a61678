# The pooler of compose.yaml, from Debian, in the transaction mode that the gateway is tested with.
FROM debian:bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends pgbouncer \
  && rm -rf /var/lib/apt/lists/*
COPY pgbouncer.ini /etc/pgbouncer/pgbouncer.ini
COPY --chmod=0755 pgbouncer.sh /usr/local/bin/pgbouncer.sh
USER postgres
EXPOSE 6432
STOPSIGNAL SIGINT
HEALTHCHECK --interval=10s --timeout=3s --retries=3 CMD ["bash", "-c", "</dev/tcp/127.0.0.1/6432"]
CMD ["pgbouncer.sh"]
