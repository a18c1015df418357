"""The yardstick: aiohttp and uvloop, one route, one constant JSON answer."""

import sys

import uvloop
from aiohttp import web

BODY = b'{"code":200,"message":"API is healthy.","data":{}}'


async def answer(request: web.Request) -> web.Response:
    return web.Response(body=BODY, content_type="application/json")


def main(port: int) -> None:
    app = web.Application()
    app.router.add_get("/", answer)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]))
