"""The yardstick of downloads: aiohttp's own FileResponse, on uvloop as ours."""

import sys
from pathlib import Path

import uvloop
from aiohttp import web


def main(port: int, folder: Path) -> None:
    async def answer(request: web.Request) -> web.FileResponse:
        return web.FileResponse(folder / request.match_info["name"])

    async def ready(_request: web.Request) -> web.Response:
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/", ready)
    app.router.add_get("/files/{name}", answer)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
