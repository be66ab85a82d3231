"""Which proxy a request goes through, if any: the one of the config, or, only when asked, what the environment says.

A proxy's user name and password leave this room only through `login`; no message and no repr holds them. Environment
variables that some other program left behind never steer a crawl by themselves.

Nothing is opened here, and the environment comes in as an argument.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes, urlsplit

__all__ = ["ENVIRONMENT", "Proxy", "ProxyChoice", "parse_proxy", "proxy_secrets"]

ENVIRONMENT = "environment"  # the word that asks for HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY
_DEFAULT_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks5": 1080, "socks5h": 1080}
_CURE = "write http://host:port, https://host:port, socks5://host:port or the word environment"


class Proxy:
    """One proxy: where it is, and what it wants to hear."""

    __slots__ = ("_password", "_user", "host", "port", "scheme")

    def __init__(self, scheme: str, host: str, port: int, user: bytes = b"", password: bytes = b"") -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self._user = user
        self._password = password

    @property
    def is_socks(self) -> bool:
        """Tell whether it speaks SOCKS, not HTTP."""
        return self.scheme.startswith("socks")

    @property
    def login(self) -> tuple[bytes, bytes] | None:
        """User name and password, both secret; None: it wants none."""
        return (self._user, self._password) if self._user or self._password else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is secret of it, as texts: the password (without one the user name, then a key), and what HTTP sends."""
        if self.login is None:
            return ()
        return ((self._password or self._user).decode("utf-8", "replace"), b64encode(b":".join(self.login)).decode())

    @property
    def authorization(self) -> dict[str, str]:
        """The header that an HTTP proxy wants (RFC 9110, 11.7.2); empty without a login."""
        if self.login is None:
            return {}
        return {"Proxy-Authorization": f"Basic {b64encode(b':'.join(self.login)).decode()}"}

    def __repr__(self) -> str:
        return f"<Proxy {self.scheme}://{self.host}:{self.port}>"


def parse_proxy(text: str) -> Proxy:
    """Return the proxy of a URL; raise ValueError, naming the cure and never quoting `text`, for anything else."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, port = urlsplit(""), 0
    known = parts.scheme in _DEFAULT_PORTS and port and parts.hostname
    if not known or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"this is no URL of a proxy; {_CURE}")
    login = (unquote_to_bytes(parts.username or ""), unquote_to_bytes(parts.password or ""))
    return Proxy(parts.scheme, str(parts.hostname), port, *login)


class ProxyChoice:
    """The proxy of each URL.

    `proxy`: a proxy's URL, which counts for all hosts, or ENVIRONMENT; `environ`: the process's variables. Raises
    ValueError for what is neither.
    """

    def __init__(self, proxy: str, environ: Mapping[str, str]) -> None:
        asked = proxy == ENVIRONMENT
        self._fixed = None if asked else parse_proxy(proxy)
        named = {kind: _variable(f"{kind}_proxy", environ) for kind in ("http", "https", "all")} if asked else {}
        urls = {kind: url if "://" in url else f"http://{url}" for kind, url in named.items() if url}
        self._named = {kind: parse_proxy(url) for kind, url in urls.items()}
        self._left_out = [name.strip().lower().lstrip(".") for name in _variable("no_proxy", environ).split(",")]
        if any(one.is_socks for one in self._named.values()):
            raise ValueError("the environment names a SOCKS proxy; write it into fetch.proxy instead")

    @property
    def all(self) -> tuple[Proxy, ...]:
        """Every proxy that a request may go through."""
        return (*self._named.values(), *([] if self._fixed is None else [self._fixed]))

    @property
    def socks(self) -> Proxy | None:
        """The SOCKS proxy that all connections go through; None: there is none."""
        return self._fixed if self._fixed is not None and self._fixed.is_socks else None

    def choose(self, scheme: str, host: str) -> Proxy | None:
        """Return the proxy for a `scheme` (http or https) and a host name; None: none."""
        if self._fixed is not None or self._is_left_out(host):
            return self._fixed
        return self._named.get(scheme) or self._named.get("all")

    def _is_left_out(self, host: str) -> bool:
        names = [name for name in self._left_out if name]
        return "*" in names or any(host == name or host.endswith(f".{name}") for name in names)

    def __repr__(self) -> str:
        return f"<ProxyChoice {self._fixed or self._named}>"


def proxy_secrets(proxy: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return what nobody may be shown of the proxies that `proxy` means, as `ProxyChoice` reads it: their logins."""
    try:
        choice = ProxyChoice(proxy, environ)
    except ValueError:
        return ()  # it will be refused, unquoted
    return tuple(text for one in choice.all for text in one.secrets)


def _variable(name: str, environ: Mapping[str, str]) -> str:
    """Return a variable, lower case first; HTTP_PROXY is the header `Proxy:` of a client where CGI runs (httpoxy)."""
    upper = "" if name == "http_proxy" and "REQUEST_METHOD" in environ else environ.get(name.upper(), "")
    return environ.get(name, "") or upper
