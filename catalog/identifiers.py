"""Many ids of rows at once, without an object for each."""

from __future__ import annotations

import numpy as np
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from numpy.typing import NDArray

from catalog.models import Sound


def ids_of(sounds: QuerySet[Sound]) -> NDArray[np.int64]:
    """The ids of all sounds of a query, in one value: Postgres lays them behind one another as bytes."""
    try:
        sql, parameters = sounds.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:  # Django sees that nothing can fit
        return np.empty(0, np.int64)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT string_agg(int8send(id), ''::bytea) FROM ({sql}) AS chosen (id)", parameters)
        [together] = cursor.fetchone()
    return np.frombuffer(together or b"", ">i8").astype(np.int64)


def among(sounds: QuerySet[Sound], ids: NDArray[np.int64]) -> QuerySet[Sound]:
    """Those of some sounds that have one of many ids, which go as one value."""
    return sounds.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [ids.tolist()]))
