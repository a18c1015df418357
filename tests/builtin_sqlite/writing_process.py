"""A process that writes until it is killed, for tests: prints each id once its write was acknowledged.

writing_process.py PATH NAME WRITERS LIMIT
"""

import asyncio
import os
import sys

from builtin_sqlite.service import SqliteEngine

from pbhost.database import Transaction


async def main(path: str, name: str, writers: int, limit: int) -> None:
    engine = SqliteEngine(path)
    await engine.open()

    async def writer(number: int) -> None:
        for count in range(limit):
            key = f"{name}-{number}-{count}"

            def write(transaction: Transaction, key: str = key, count: int = count) -> None:
                transaction.execute("INSERT INTO t (id, note) VALUES (?, ?)", (key, "x" * 200))
                transaction.record_change("t", key, "create")
                if count % 7 == 3:
                    raise ArithmeticError  # some fail, and must leave nothing behind

            try:
                await engine.write(write, exclusive=count % 11 == 5)
            except ArithmeticError:
                continue
            os.write(1, key.encode() + b"\n")

    await asyncio.gather(*(writer(number) for number in range(writers)))
    await engine.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
