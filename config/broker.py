"""The queue in Postgres, enqueued on Django's own connection: a message commits with the rows it is about."""

from __future__ import annotations

import threading
from typing import Any

from django.db import connections
from dramatiq import Message
from dramatiq.common import current_millis, dq_name
from dramatiq_postgres.broker import QUERIES, PostgresBroker
from dramatiq_postgres.utils import make_pool, tidy4json
from psycopg import Connection
from psycopg.types.json import Json
from psycopg_pool import ConnectionPool

ALIAS = "default"


def connection_parameters() -> dict[str, str]:
    settings = connections[ALIAS].settings_dict
    named = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    options = {name: str(value) for name, value in settings["OPTIONS"].items() if isinstance(value, str | int)}
    return options | {name: str(settings[key]) for name, key in named.items() if settings.get(key)}


class LazyPool:
    """Connections for consuming, opened on first use to the database Django uses by then (in tests: the test one)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ConnectionPool[Connection[Any]] | None = None
        self._parameters: dict[str, str] = {}

    def _opened(self) -> ConnectionPool[Connection[Any]]:
        parameters = connection_parameters()
        with self._lock:
            if self._pool is None or self._parameters != parameters:
                if self._pool is not None:
                    self._pool.close()
                self._pool, self._parameters = make_pool(parameters), parameters
            return self._pool

    def getconn(self) -> Connection[Any]:
        return self._opened().getconn()

    def putconn(self, connection: Connection[Any]) -> None:
        if self._pool is None:
            connection.close()
        else:
            self._pool.putconn(connection)

    def close(self) -> None:
        with self._lock:
            if self._pool is not None:
                self._pool.close()
            self._pool = None


class DjangoPostgresBroker(PostgresBroker):  # type: ignore[misc]
    def __init__(self, **options: Any) -> None:
        super().__init__(pool=LazyPool(), results=False, **options)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        self.emit_before("enqueue", message, delay)
        if delay:
            message = message.copy(queue_name=dq_name(message.queue_name))
            message.options["eta"] = current_millis() + delay
        row: list[Any] = [message.queue_name, message.message_id, Json(tidy4json(message)), delay or 0]
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(QUERIES.ENQUEUE, row)
        self.emit_after("enqueue", message, delay)
        return message

    def close(self) -> None:
        super().close()
        self.pool.close()
