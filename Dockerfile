FROM python:3.13.9-slim AS build
RUN pip install --no-cache-dir "uv>=0.9"
WORKDIR /app
# Copies, as the cache is left behind with this stage; bytecode now, as the user below cannot write it later.
ENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
# Dependencies change less often than code: a layer of their own spares most builds the download.
COPY pyproject.toml uv.lock ./
# The extra for traces is small, and is imported only with WILLCALL_TRACING. The embedded servers stay out.
RUN uv sync --frozen --no-dev --extra tracing --no-install-project
# .dockerignore decides what this is. Not editable: the image runs what the wheel contains.
COPY . .
RUN uv sync --frozen --no-dev --extra tracing --no-editable

FROM python:3.13.9-slim
# With a home that can be written to: .willcall is made where the command runs.
RUN useradd --uid 10001 --create-home willcall
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1
USER willcall
WORKDIR /home/willcall
ENTRYPOINT ["willcall"]
