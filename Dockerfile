# The pages, built once; the image that runs holds no node.
FROM node:22-bookworm-slim AS console
WORKDIR /build/console
COPY console/package.json console/package-lock.json console/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY console ./
COPY alerting/reports/words.json /build/alerting/reports/words.json
RUN npm run build

FROM python:3.11-slim-bookworm AS packages
WORKDIR /opt/farwatch
RUN python -m venv .venv
COPY requirements/run.txt requirements/run.txt
RUN .venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY farwatch farwatch
COPY ingest ingest
COPY detectors detectors
COPY alerting alerting
COPY simulators simulators
COPY server server
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e .

FROM python:3.11-slim-bookworm
# The same user id as the broker's image: the password file that we write for it is readable by its owner only.
RUN groupadd --gid 1883 farwatch \
 && useradd --uid 1883 --gid 1883 --no-create-home --home-dir /var/lib/farwatch --shell /usr/sbin/nologin farwatch \
 && install -d -o farwatch -g farwatch -m 0700 /var/lib/farwatch /broker
COPY --from=packages /opt/farwatch /opt/farwatch
COPY --from=console /build/console/dist /opt/farwatch/console/dist
ENV PATH=/opt/farwatch/.venv/bin:$PATH PYTHONUNBUFFERED=1 FARWATCH_DATA_DIR=/var/lib/farwatch
WORKDIR /var/lib/farwatch
USER farwatch
VOLUME /var/lib/farwatch
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/livez', timeout=3)"]
ENTRYPOINT ["farwatch"]
CMD ["serve"]
