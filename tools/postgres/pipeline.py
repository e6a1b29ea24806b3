"""Answers of a server, one by one, without waiting inside libpq.

There a thread would hold the interpreter's lock, and a watchdog beside it would sleep with it.
"""

from __future__ import annotations

import select
from collections.abc import Iterator, Sequence

from psycopg import pq
from psycopg.pq import ExecStatus


def next_result(session: pq.abc.PGconn) -> pq.abc.PGresult | None:
    """The next result, while what is left to send is sent. The session must not block."""
    while True:
        unsent = session.flush()
        if not session.is_busy():
            return session.get_result()
        poll = select.poll()
        poll.register(session.socket, select.POLLIN | (select.POLLOUT if unsent else 0))
        if any(event & ~select.POLLOUT for _, event in poll.poll()):
            session.consume_input()


def results(session: pq.abc.PGconn, statements: Sequence[str]) -> Iterator[pq.abc.PGresult]:
    """Send all at once, and yield what came of each: its error, or its last result.

    Each is a transaction of its own unless one is open. When the session is lost, the error that
    says so is the last answer. Raises `psycopg.OperationalError` where there is none.
    """
    session.enter_pipeline_mode()
    for text in statements:
        # The extended protocol takes one statement only, whatever the text was judged to be.
        session.send_query_params(text.encode(), None)
        session.pipeline_sync()
    found: pq.abc.PGresult | None = None
    left = len(statements)
    while left:
        result = next_result(session)
        if result is None:
            continue
        if result.status == ExecStatus.PIPELINE_SYNC:
            assert found is not None
            left -= 1
            if not left:
                session.exit_pipeline_mode()
            yield found
            found = None
        elif found is None or found.status != ExecStatus.FATAL_ERROR:
            found = result
            if session.status != pq.ConnStatus.OK:
                yield found
                return
