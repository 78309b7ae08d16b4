"""A little open web on this machine: an HTTPS server that is several hosts, with a certificate of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.intake.guard import Loopback

HOSTS = ("news.test", "other.test", "archive.org")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class OpenWeb:
    """`serve` puts a page somewhere; `asked` is what was asked for, in order, as method, address and headers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pages: dict[str, Handler] = {}
        self._runner: web.ServerRunner | None = None
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.closing = asyncio.Event()
        self.loopback = Loopback((), 0, "")

    async def __aenter__(self) -> OpenWeb:
        chain, key = _certificate(self._folder)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain, key)
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        self.loopback = Loopback(HOSTS, self._runner.addresses[0][1], str(chain))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closing.set()
        assert self._runner is not None
        await self._runner.cleanup()

    def serve(self, url: str, body: bytes | str = b"", status: int = 200, **headers: str) -> None:
        """Underscores in the names of headers are hyphens."""
        data = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def handle(_: web.BaseRequest) -> web.StreamResponse:
            return web.Response(body=data, status=status, headers=named)

        self._pages[url] = handle

    def serve_by(self, url: str, handler: Handler) -> None:
        self._pages[url] = handler

    def redirect(self, url: str, to: str, status: int = 302) -> None:
        self.serve(url, status=status, Location=to)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        url = f"https://{request.host}{request.raw_path if hasattr(request, 'raw_path') else request.path_qs}"
        self.asked.append((request.method, url, dict(request.headers)))
        handler = self._pages.get(url) or self._pages.get(url.partition("?")[0])
        return await handler(request) if handler else web.Response(status=404)


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the little web")])
    today = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(today - timedelta(days=1)).not_valid_after(today + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    chain, private = folder / "web.pem", folder / "web.key"
    chain.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    return chain, private


def rss(items: str) -> str:
    """A feed of German texts with these items."""
    head = '<?xml version="1.0"?><rss version="2.0"><channel><title>Watch &amp; Blog</title><language>de-DE</language>'
    return f"{head}{items}</channel></rss>"
